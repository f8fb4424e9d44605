"""What serves the book and the class: the image and the workflows, held against the repository they stand in."""

import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from fa_teach import keep

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEACHING = "book/instructors.md"
each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def instructions():
    """Stage, name and text of each instruction of the Dockerfile."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    stage = -1
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            stage += name == "FROM"
            yield stage, name, rest


def ignored(source):
    """Whether .dockerignore keeps a path out of the build."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#") and fnmatch(source, pattern):
            out = not line.startswith("!")
    return out


def test_image_copies_what_exists():
    """Without an engine, a source that was moved would be noticed by the first instructor who builds the image."""
    copied = [rest.split() for stage, name, rest in instructions() if name == "COPY" and stage == 0]
    sources = [source for words in copied for source in words[:-1]]
    assert len(sources) >= 6
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), f".dockerignore keeps {source} out"
    assert ignored("tests")
    assert ignored(".venv")


def test_image_holds_no_secrets_and_runs_as_a_student():
    """The sources of the assignments stay in the first stage; the server is nobody's root."""
    last = [(name, rest) for stage, name, rest in instructions() if stage == 1]
    assert last
    assert all(rest.startswith("--from=build ") for name, rest in last if name == "COPY")
    users = [rest for name, rest in last if name == "USER"]
    assert users
    assert re.fullmatch(r"[1-9]\d*", users[-1]), "a number, so that Kubernetes can see that it is not root"
    assert [rest for name, rest in last if name == "CMD"] == ['["jupyterhub-singleuser"]']
    (copied,) = (
        rest for _, name, rest in instructions() if name == "RUN" and "/opt/course/exercises" in rest
    )
    assert "assignments student" in copied
    assert not re.search(r"cp [^&]*exercises/", copied)


def test_image_installs_the_pinned_set():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (install,) = (rest for _, name, rest in instructions() if name == "RUN" and "pip install" in rest)
    assert "-c constraints.txt" in install
    assert '".[${EXTRAS}]"' in install
    arguments = dict(rest.split("=", 1) for _, name, rest in instructions() if name == "ARG")
    told = re.findall(
        r"EXTRAS=([\w,]+)", "".join((ROOT / name).read_text("utf-8") for name in ("Dockerfile", TEACHING))
    )
    assert "lab" in told
    assert len(told) >= 3  # the default, and how instructors choose another
    for extra in ",".join(told).split(","):
        assert extra in project["optional-dependencies"], extra
    assert re.fullmatch(r"\d+\.\d+\.\d+", arguments["JUPYTERHUB"])
    assert f"Programming Language :: Python :: {arguments['PYTHON']}" in project["classifiers"]


@pytest.mark.skipif(
    shutil.which("sh") is None, reason="no sh, which reads the commands of image and workflows"
)
def test_commands_of_the_image_are_shell():
    for _, name, rest in instructions():
        if name == "RUN":
            checked = subprocess.run(["sh", "-n", "-c", rest], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr


@pytest.mark.skipif(shutil.which("sh") is None, reason="no sh, which starts the server in the image")
def test_start_never_overwrites_a_students_work(tmp_path):
    """A hub starts the server every day; yesterday's answers are still there, and new notebooks come along."""
    (entry,) = (yaml.safe_load(rest) for _, name, rest in instructions() if name == "ENTRYPOINT")
    course, home = tmp_path / "course", tmp_path / "home"
    (course / "exercises").mkdir(parents=True)
    home.mkdir()
    (course / "exercises" / "1.ipynb").write_text("stub")
    command = [word.replace("/opt/course", str(course)) for word in entry]

    def start():
        done = subprocess.run(
            [*command, "echo", "two words"],
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "two words\n", "the server's own arguments are passed on"

    start()
    answer = home / "feedback-alignment" / "exercises" / "1.ipynb"
    assert answer.read_text() == "stub"
    answer.write_text("answer")
    (course / "exercises" / "2.ipynb").write_text("new")
    start()
    assert answer.read_text() == "answer"
    assert (answer.parent / "2.ipynb").read_text() == "new"


# -- Workflows ----------------------------------------------------------------------------------


def steps(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@each
def test_workflow_may_do_only_what_it_says(path):
    """Rights are read only unless a job asks for more; every job ends; actions have a version."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert "write-all" not in str(job.get("permissions"))
    for step in steps(path):
        assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w./-]+@v\d+", step["uses"])
        # Titles and branch names are written by anybody: they reach a shell by the environment alone.
        assert "${{" not in step.get("run", ""), step


@each
def test_workflow_calls_what_exists(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for step in steps(path):
        for line in step.get("run", "").splitlines():
            if line.strip().startswith("make "):
                words = line.partition("#")[0].split()[1:]
                assert {word for word in words if "=" not in word} <= targets, line
                assert all(f"{word.partition('=')[0]} ?=" in makefile for word in words if "=" in word), line
        for name in re.findall(r"_build/html/([\w.-]+\.(?:pdf|zip))", step.get("run", "")):
            assert name.rpartition(".")[0] == keep.NAME, name


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash, which runs the workflows' commands")
@each
def test_commands_of_the_workflow_are_shell(path):
    for step in steps(path):
        checked = subprocess.run(
            ["bash", "-n", "-c", step.get("run", "")], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_site_is_published_with_what_is_to_keep_and_only_after_the_tests():
    runs = [step.get("run", step.get("uses", "")) for step in steps(ROOT / ".github/workflows/pages.yml")]
    order = [
        next(i for i, run in enumerate(runs) if word in run)
        for word in ("make test", "pdf zip", "upload-pages")
    ]
    assert order == sorted(order)


def test_weekly_run_leaves_the_pinned_set_out():
    """With the pinned set it would pass for ever, and nobody's new installation with it."""
    path = ROOT / ".github/workflows/newest.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert len(workflow[True]["schedule"][0]["cron"].split()) == 5  # YAML reads the key `on` as true
    makes = [
        step["run"] for step in workflow["jobs"]["newest"]["steps"] if step.get("run", "").startswith("make")
    ]
    assert len(makes) >= 2
    assert all("PIN=" in run.split() for run in makes)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count("-c constraints.txt") == 1, "only the variable PIN names the pinned set"
    assert workflow["jobs"]["tell"]["permissions"] == {"issues": "write"}
