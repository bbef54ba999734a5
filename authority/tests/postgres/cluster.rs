//! A cluster that a test may break.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{SUPERVISOR, place, run, supervisor, url};

/// A cluster of one test's own, which it may stop, kill and start.
#[derive(Debug)]
pub(crate) struct Cluster {
    socket: PathBuf,
    child: Child,
    tell: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// With its data where all is; or on a disk of that size, as root or in a namespace that lets it mount one.
    pub(crate) fn new(disk: Option<&str>) -> Self {
        let runner = std::process::id();
        let Some(size) = disk else { return Self::by(supervisor(runner, &[])) };
        let mut unshare = Command::new("unshare");
        let own = ["-U", "-m", "--map-current-user", "--keep-caps"];
        unshare.args(if rustix::process::getuid().is_root() { &own[1..2] } else { &own });
        unshare.args(["python3", SUPERVISOR, &runner.to_string()]);
        unshare.env("JITSUIN_SMALL_DISK", size).stdout(Stdio::piped());
        Self::by(unshare)
    }

    /// What the cluster's own processes see at a place on its disk.
    pub(crate) fn inside(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{}/data/{name}", self.child.id(), self.socket.display()))
    }

    fn by(mut supervisor: Command) -> Self {
        let mut child = supervisor.stdin(Stdio::piped()).spawn().unwrap();
        let (tell, mut answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let socket = place(&mut answers);
        Self { socket, child, tell, answers }
    }

    /// A database in it, without tables. It goes with the cluster.
    pub(crate) async fn database(&self) -> String {
        run(&self.socket, "postgres", "CREATE DATABASE jitsuin").await;
        url(&self.socket, "jitsuin")
    }

    /// `start`, `stop` or `kill`.
    pub(crate) fn tell(&mut self, what: &str) {
        writeln!(self.tell.as_ref().unwrap(), "{what}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n", "{what}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.tell.take();
        let _ = self.child.wait();
    }
}
