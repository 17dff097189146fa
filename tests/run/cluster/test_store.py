"""A data set in an object store, a real server on this machine, is judged as the same files on disk are."""

import shutil
import time

import pytest

from bench.cli import main
from bench.data.folder.index import index
from bench.data.making.make import make
from bench.machine import address, caches
from bench.records import store


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    """A server that speaks S3; whoever reads from it is told where it is by the usual variables."""
    # Seconds that every process which collects tests would spend.
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        caches.VARIABLE: str(tmp_path / "cache"),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="dark")
    yield client
    server.stop()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("data"), scenes=1, seed=3, size=(64, 96))


def upload(client, made):
    for path in made.root.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "dark", f"sid/{path.relative_to(made.root).as_posix()}")


def judge(dataset, out, *more):
    import s3fs

    # As a command of its own would, which remembers nothing of the store.
    address.version.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    options = ["--models", "gain-only", "--measure", "quality", "--threads", "1", "--protocol", "sid2018"]
    return main(["run", *options, "--dataset", str(dataset), "--out", str(out), *more])


def test_images_in_a_bucket(bucket, made, tmp_path):
    upload(bucket, made)
    remote = index("s3://dark/sid")
    assert (remote.name, len(remote.pairs)) == (made.name, len(made.pairs))
    assert judge("s3://dark/sid", tmp_path / "remote") == 0
    assert judge(made.root, tmp_path / "here") == 0
    here, there = ({r.cell: r for r in store.load(tmp_path / name)} for name in ("here", "remote"))
    assert {cell: record.values for cell, record in there.items()} == {
        cell: record.values for cell, record in here.items()
    }
    for cell, record in there.items():
        assert record.provenance["data_sha256"] == here[cell].provenance["data_sha256"]
    stamps = {path: path.stat().st_mtime_ns for path in store.files(tmp_path / "remote")}
    # Nothing is copied again to know that nothing has changed.
    shutil.rmtree(caches.place() / address.FOLDER)
    assert judge("s3://dark/sid", tmp_path / "remote", "--resume") == 0
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    copies = {path.name for path in (caches.place() / address.FOLDER).glob("*/[!.]*")}
    assert len(copies) <= 2, "the manifest and a frame, whose size is asked for"
    # Another image under the same name is judged, and it alone.
    changed, other = made.pairs[0].short, made.pairs[1].short
    time.sleep(1.1)  # the store keeps whole seconds
    bucket.upload_file(str(other), "dark", f"sid/Sony/short/{changed.name}")
    assert judge("s3://dark/sid", tmp_path / "remote", "--resume") == 0
    again = [path.name for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp]
    assert len(again) == 1
    assert changed.stem.replace("_", "-") in again[0]


def test_a_bucket_that_is_not_there_is_said_in_one_line(bucket, capsys, tmp_path):
    assert judge("s3://nowhere/sid", tmp_path) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "s3://nowhere/sid" in said
