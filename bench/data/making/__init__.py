"""Generate dark raws with the camera model, from scenes or photographs."""
