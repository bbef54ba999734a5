//! A cluster that a test may break.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::postgres::{place, run, supervisor, url};

/// A cluster of one test's own, which it may stop, kill and start.
#[derive(Debug)]
pub(crate) struct Cluster {
    socket: PathBuf,
    child: Child,
    tell: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let mut child = supervisor(std::process::id(), &[]).stdin(Stdio::piped()).spawn().unwrap();
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
