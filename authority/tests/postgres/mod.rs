//! PostgreSQL for tests: one cluster a run of the tests, a database each.

pub(crate) mod cluster;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use authority::store::{Home, Store};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

const SUPERVISOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/postgres/cluster.py");
/// A database with the tables of today and nothing in them.
const TEMPLATE: &str = "jitsuin_template";

/// A database of the test's own, with the tables in it. Dropped with it.
#[derive(Debug)]
pub(crate) struct Database {
    socket: PathBuf,
    name: String,
}

impl Database {
    /// In the cluster of this run, which the first test that wants it starts.
    pub(crate) async fn new() -> Self {
        let socket = of_this_run().await;
        Self::made(socket, Some(TEMPLATE)).await
    }

    /// The same without any tables.
    pub(crate) async fn empty() -> Self {
        let socket = of_this_run().await;
        Self::made(socket, None).await
    }

    async fn made(socket: PathBuf, template: Option<&str>) -> Self {
        let name = format!("t{}", hex::encode(authority::code::random::<8>().unwrap()));
        let template = template.map_or_else(String::new, |template| format!(" TEMPLATE {template}"));
        run(&socket, "postgres", &format!("CREATE DATABASE {name}{template}")).await;
        Self { socket, name }
    }

    /// What stands in `[database] postgres`.
    pub(crate) fn url(&self) -> String {
        url(&self.socket, &self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (socket, statement) = (self.socket.clone(), format!("DROP DATABASE {} WITH (FORCE)", self.name));
        // A cluster that is gone needs nothing dropped.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&socket, "postgres", &statement));
        })
        .join();
    }
}

pub(crate) fn url(socket: &Path, database: &str) -> String {
    format!("postgres:///{database}?host={}&user=jitsuin", socket.display())
}

pub(crate) async fn run(socket: &Path, database: &str, statement: &str) {
    let options = url(socket, database).parse::<sqlx::postgres::PgConnectOptions>().unwrap();
    let mut db = options.connect().await.unwrap();
    db.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
}

pub(crate) fn supervisor(runner: u32, files: &[&Path]) -> Command {
    let mut command = Command::new("python3");
    command.arg(SUPERVISOR).arg(runner.to_string()).args(files).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Where the socket is, once the cluster is there.
pub(crate) fn place(answers: &mut impl BufRead) -> PathBuf {
    let mut line = String::new();
    answers.read_line(&mut line).unwrap();
    assert!(line.starts_with('/'), "PostgreSQL did not start: see above");
    PathBuf::from(line.trim_end())
}

/// The socket of this run's cluster. nextest gives each test a process, and the run a name; elsewhere the process is
/// the run.
#[expect(clippy::zombie_processes, reason = "it outlives the test that starts it")]
async fn of_this_run() -> PathBuf {
    let (run_id, runner) = match std::env::var("NEXTEST_RUN_ID") {
        Ok(id) => (id, rustix::process::getppid().unwrap().as_raw_nonzero().get().unsigned_abs()),
        Err(_) => (std::process::id().to_string(), std::process::id()),
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{run_id}"));
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).unwrap();
    // Held until it closes: the others wait here until there is something to read.
    file.lock().unwrap();
    let mut socket = String::new();
    file.read_to_string(&mut socket).unwrap();
    if socket.is_empty() {
        let mut child = supervisor(runner, &[&path]).spawn().unwrap();
        socket = place(&mut BufReader::new(child.stdout.take().unwrap())).to_str().unwrap().to_owned();
        let place = Path::new(&socket);
        run(place, "postgres", &format!("CREATE DATABASE {TEMPLATE}")).await;
        Store::open(&Home::Server(url(place, TEMPLATE))).await.unwrap().close().await;
        file.rewind().unwrap();
        file.write_all(socket.as_bytes()).unwrap();
    }
    PathBuf::from(socket)
}
