"""The exercises, a module for each chapter: answers that run, right and wrong, and what to say about them.

Each module ``chNN`` has its exercises in the tuple ``EXERCISES``; what an exercise is, `fa_teach.exercises.Exercise` says.
"""
