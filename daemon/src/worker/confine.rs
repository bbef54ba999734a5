//! The sandbox that a worker puts on itself before it loads its module.
//!
//! Two layers that each hold by themselves. **Landlock** says which files: what a dynamic loader
//! and the libraries below a module need, and what the configuration grants; besides, no TCP, no
//! abstract sockets of others, no signals to others. **seccomp** says which system calls: all but
//! those that a module has no business with ([`DENIED`] and [`filter`]).

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use drivers::wire::Setup;
use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getpid, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// What the loader, the C library and the crypto libraries below a module read. Nothing here is
/// anybody's secret, and nothing may be executed.
const SYSTEM: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/lib",
    "/lib64",
    "/proc/sys/crypto",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
];

/// Devices that any program may use.
const DEVICES: &[&str] = &["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// The rules of Linux 6.12: files with device ioctls, TCP, abstract sockets, signals.
const LANDLOCK: ABI = ABI::V6;

/// Address space: a module that reports absurd sizes runs into this and ends, not the machine.
const ADDRESS_SPACE: u64 = 8 << 30;

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfineError {
    /// The kernel refused the Landlock rules.
    #[error("the Landlock rules were refused")]
    Landlock(#[source] landlock::RulesetError),
    /// The process could not be made private.
    #[error("the process could not be hardened")]
    Process(#[source] io::Error),
    /// The system call filter cannot be built for this machine.
    #[error("the system call filter cannot be built")]
    Build(#[source] seccompiler::BackendError),
    /// The kernel refused the system call filter.
    #[error("the system call filter was refused")]
    Seccomp(#[source] seccompiler::Error),
}

/// Takes the control channel from standard input, and closes every other descriptor that was
/// inherited: a listening socket, for one.
pub(super) fn take_control() -> io::Result<UnixStream> {
    #[expect(unsafe_code, reason = "no safe call closes what other code may have left open")]
    // SAFETY: this is the first thing the process does; no descriptor above 2 is owned by anything.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32);
    }
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A module that reads standard input gets nothing.
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(control)
}

/// Dies with the daemon, leaves no core, cannot be looked into, and gains no privileges.
pub(super) fn harden() -> Result<(), ConfineError> {
    let process = |error: rustix::io::Errno| ConfineError::Process(error.into());
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(process)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(process)?;
    setrlimit(Resource::As, Rlimit { current: Some(ADDRESS_SPACE), maximum: Some(ADDRESS_SPACE) }).map_err(process)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(process)?;
    rustix::thread::set_no_new_privs(true).map_err(process)?;
    Ok(())
}

/// Puts both layers on. Yields what of it this system does not give, in sentences.
pub(super) fn confine(setup: &Setup) -> Result<Vec<String>, ConfineError> {
    let mut gaps = Vec::new();
    restrict_files(setup, &mut gaps).map_err(ConfineError::Landlock)?;
    restrict_calls()?;
    Ok(gaps)
}

fn restrict_files(setup: &Setup, gaps: &mut Vec<String>) -> Result<(), landlock::RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    // Everything but running programs and making devices or sockets.
    let write = AccessFs::from_all(LANDLOCK)
        & !(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeSock);
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    for path in SYSTEM {
        // Not every system has them all.
        rules = allow(rules, Path::new(path), read)?.0;
    }
    for path in DEVICES {
        rules = allow(rules, Path::new(path), AccessFs::ReadFile | AccessFs::WriteFile)?.0;
    }
    let granted = std::iter::once((&setup.path, read))
        .chain(setup.readable.iter().map(|path| (path, read)))
        .chain(setup.writable.iter().map(|path| (path, write)));
    for (path, access) in granted {
        let (more, found) = allow(rules, path, access)?;
        rules = more;
        if !found {
            gaps.push(format!("{} cannot be opened, so the module {} will not reach it.", path.display(), setup.name));
        }
    }
    let status = rules.restrict_self()?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => {}
        RulesetStatus::PartiallyEnforced => gaps.push(format!(
            "This kernel's Landlock is older than Linux 6.12: the module {} is confined in part only.",
            setup.name
        )),
        RulesetStatus::NotEnforced => gaps.push(format!(
            "This kernel has no Landlock: the module {} may read every file that this user may read.",
            setup.name
        )),
    }
    Ok(())
}

/// Grants access to a path; `false` where it is not there.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<(RulesetCreated, bool), landlock::RulesetError> {
    let (Ok(descriptor), Ok(metadata)) = (PathFd::new(path), std::fs::metadata(path)) else {
        return Ok((rules, false));
    };
    let access = if metadata.is_dir() { access } else { access & AccessFs::from_file(LANDLOCK) };
    Ok((rules.add_rule(PathBeneath::new(descriptor, access))?, true))
}

/// Refused whatever their arguments are. What a module needs is: memory, threads, files, time,
/// randomness, and a Unix socket to a card service.
const DENIED: &[libc::c_long] = &[
    // Other programs. A module is a library: it starts none.
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    // Looking into other processes, or taking their descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // Being connected to.
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Another view of the system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    // Large parts of the kernel that have had many holes.
    libc::SYS_bpf,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // The keyrings of the user.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // The machine.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_personality,
    libc::SYS_setrlimit,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

fn restrict_calls() -> Result<(), ConfineError> {
    for (denied, error) in [(filter(), libc::EPERM), (no_clone3(), libc::ENOSYS)] {
        let action = SeccompAction::Errno(error.unsigned_abs());
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(ConfineError::Build)?;
        let rules = denied.map_err(ConfineError::Build)?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch).map_err(ConfineError::Build)?;
        let program: seccompiler::BpfProgram = filter.try_into().map_err(ConfineError::Build)?;
        seccompiler::apply_filter(&program).map_err(ConfineError::Seccomp)?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What is answered with "not permitted": [`DENIED`], and some calls by their arguments.
fn filter() -> Result<Rules, seccompiler::BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let mut rules: Rules = DENIED.iter().map(|call| (*call, Vec::new())).collect();
    let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let word = SeccompCmpArgLen::Dword;
    let by_argument = [
        // Sockets of any other family: the network, netlink, packets, Bluetooth, virtual machines.
        (libc::SYS_socket, 0, word.clone(), Ne, unix),
        (libc::SYS_socketpair, 0, word.clone(), Ne, unix),
        // Threads yes, processes no.
        (libc::SYS_clone, 0, word.clone(), MaskedEq(thread), 0),
        // Signals to itself only: abort(3) sends one.
        (libc::SYS_kill, 0, word.clone(), Ne, own),
        (libc::SYS_tgkill, 0, word.clone(), Ne, own),
        // Undoing the hardening: limits may be read, not set.
        (libc::SYS_prlimit64, 2, SeccompCmpArgLen::Qword, Ne, 0),
        (libc::SYS_prctl, 0, word.clone(), Eq, u64::from(libc::PR_SET_DUMPABLE.unsigned_abs())),
        (libc::SYS_prctl, 0, word.clone(), Eq, u64::from(libc::PR_SET_PDEATHSIG.unsigned_abs())),
        (libc::SYS_prctl, 0, word, Eq, u64::from(libc::PR_SET_PTRACER.unsigned_abs())),
    ];
    for (call, argument, length, comparison, value) in by_argument {
        let condition = SeccompCondition::new(argument, length, comparison, value)?;
        rules.entry(call).or_default().push(SeccompRule::new(vec![condition])?);
    }
    #[cfg(target_arch = "x86_64")]
    let rules = with_x32(rules);
    Ok(rules)
}

/// `clone3` takes its flags in memory, where a filter cannot look. Told that there is no such call,
/// the C library falls back on `clone`.
fn no_clone3() -> Result<Rules, seccompiler::BackendError> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    #[cfg(target_arch = "x86_64")]
    let rules = with_x32(rules);
    Ok(rules)
}

/// The x32 calling convention reaches the same calls by other numbers.
#[cfg(target_arch = "x86_64")]
fn with_x32(rules: Rules) -> Rules {
    const X32: i64 = 0x4000_0000;
    rules.into_iter().flat_map(|(call, rule)| [(call, rule.clone()), (call | X32, rule)]).collect()
}
