"""Jobs of a queue: the script that would be submitted says what the file asks for; no queue is here."""

import os
import stat

import pytest

from bench.run.cluster.connecting import QUEUES, _queue, connected
from llpacknet.errors import InputError

SLURM = """
jobs = 4
cores = 8
processes = 2
memory = "32GB"
queue = "long"
walltime = "04:00:00"
interface = "lo"
job_extra_directives = ["--gres=gpu:1"]
worker_extra_args = ["--resources", "GPU=1"]
job_script_prologue = ["export LLBENCH_CACHE=/scratch/llbench"]
"""


@pytest.fixture
def described(tmp_path):
    file = tmp_path / "jobs.toml"
    file.write_text(SLURM)
    return file


def test_the_job_script_is_what_the_file_asks_for(described):
    cluster, jobs, _ = _queue("slurm", described)
    with cluster:
        script = cluster.job_script()
    assert jobs == 4
    for line in ("#SBATCH -p long", "#SBATCH -n 1", "#SBATCH --cpus-per-task=8", "#SBATCH -t 04:00:00"):
        assert line in script
    assert "#SBATCH --gres=gpu:1" in script
    assert "export LLBENCH_CACHE=/scratch/llbench" in script
    assert "--resources GPU=1" in script
    assert "--nthreads 4 " in script
    assert "--nworkers 2 " in script


@pytest.mark.parametrize("kind", sorted(QUEUES))
def test_every_queue_that_is_named_is_known(kind, tmp_path):
    (tmp_path / "jobs.toml").write_text('jobs = 1\ncores = 1\nmemory = "1GB"\ninterface = "lo"\n')
    more = {"htcondor": 'disk = "1GB"\n'}.get(kind, "")
    (tmp_path / "jobs.toml").write_text((tmp_path / "jobs.toml").read_text() + more)
    cluster, _, _ = _queue(kind, tmp_path / "jobs.toml")
    with cluster:
        assert "distributed.cli.dask_worker" in cluster.job_script()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cores = 1\n", "number of jobs"),
        ("jobs = 1\ncolour = 'red'\n", "does not describe jobs"),
        ("jobs = \n", "does not describe jobs"),
    ],
)
def test_a_file_that_describes_no_jobs_is_refused(text, says, tmp_path):
    (tmp_path / "jobs.toml").write_text(text)
    with pytest.raises(InputError, match=says):
        _queue("slurm", tmp_path / "jobs.toml")


def test_a_submitted_script_brings_a_worker(tmp_path, monkeypatch):
    """With a stand-in for Slurm's own command, which runs the script here instead of queueing it."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, does in {
        # As Slurm does, it keeps the script: whoever submits it removes it at once.
        "sbatch": 'cp "$1" "$0.job"\nsh "$0.job" > "$0.log" 2>&1 &\necho "Submitted batch job $!"',
        "scancel": "true",
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{does}\n")
        (commands / name).chmod((commands / name).stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    (tmp_path / "jobs.toml").write_text(
        'jobs = 1\ncores = 1\nmemory = "1GB"\ninterface = "lo"\nwait_s = 200\n'
    )
    with connected(f"slurm:{tmp_path / 'jobs.toml'}") as cluster:
        assert cluster.slots() == 1
        assert list(cluster.each(len, ["abc"])) == [3]
