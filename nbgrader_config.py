"""nbgrader without a hub: each step is a command, given in the root of the repository. See book/instructors.md."""

c = get_config()  # noqa: F821 # nbgrader puts it here

course = "course"  # not under build, which `make clean` removes
c.CourseDirectory.course_id = "fa_teach"
c.CourseDirectory.source_directory = f"{course}/source"  # copied from book/exercises by `make assignments`
c.CourseDirectory.release_directory = f"{course}/release"
c.CourseDirectory.submitted_directory = f"{course}/submitted"
c.CourseDirectory.autograded_directory = f"{course}/autograded"
c.CourseDirectory.feedback_directory = f"{course}/feedback"
c.CourseDirectory.solution_directory = f"{course}/solution"
c.CourseDirectory.db_url = f"sqlite:///{course}/gradebook.db"

c.Execute.timeout = 60  # seconds for a cell; `check` itself stops an endless loop after three
c.OverwriteCells.add_missing_cells = (
    True  # a deleted test cell comes back, and earns nothing without an answer
)
c.LimitOutput.max_lines = 200
c.LimitOutput.max_traceback = 100

# `nbgrader zip_collect` takes ada_01_blame.ipynb and ada/01_blame.ipynb out of what a learning platform gives.
c.ZipCollectApp.downloaded_directory = f"{course}/downloaded"
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+?)[/_](?P<file_id>\d\d_[a-z]\w*)"
