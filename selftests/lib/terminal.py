# SPDX-License-Identifier: GPL-2.0
"""A terminal whose screen can be read and whose keys can be pressed."""

import time

from net import run, wait_for


class Terminal:
    """A terminal by tmux, in which a shell runs."""

    def __init__(self, width, height):
        # A server of its own: one that ends takes no more sessions.
        self.server = f"flowbucket-{time.monotonic_ns()}"
        self.tmux("new-session", "-d", "-x", width, "-y", height, "sh")
        wait_for(lambda: self.screen().strip(), "a prompt")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def tmux(self, *words):
        """A command of tmux."""
        return run("tmux", "-u", "-L", self.server, "-f", "/dev/null", *words)

    def screen(self):
        """What is on the screen."""
        return self.tmux("capture-pane", "-p")

    def type(self, *keys):
        """Presses keys."""
        self.tmux("send-keys", *keys)

    def is_plain(self):
        """The shell has its screen and its settings of the terminal back."""
        return self.tmux("display", "-p", "#{alternate_on}#{cursor_flag}").strip() == "01"

    def child(self):
        """The number of the process that the shell runs."""
        return int(run("pgrep", "-P", self.tmux("display", "-p", "#{pane_pid}").strip()))

    def settings(self):
        """What stty says."""
        tty = self.tmux("display", "-p", "#{pane_tty}").strip()
        return run("stty", "-F", tty, "-a")
