"""Dark raws made through the camera model, from scenes or photographs."""
