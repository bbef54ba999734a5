//! `man`: pages for packagers, made from what can be typed.

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};

use super::{Arguments, say};

const NAME: &str = "jitsuin-authority";
/// Programs for whoever administers the system.
const SECTION: &str = "8";

/// Writes `man8/jitsuin-authority.8`, `man8/jitsuin-authority-init.8`, …; without a folder, the first of them to
/// standard output.
pub(super) fn write(folder: Option<&Path>) -> anyhow::Result<()> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = folder else {
        return page(&command, NAME, &mut std::io::stdout().lock()).context("standard output is closed");
    };
    let place = folder.join(format!("man{SECTION}"));
    fs::create_dir_all(&place).with_context(|| format!("{} cannot be made", place.display()))?;
    let written = pages(&command, NAME, &place)?;
    say(&format!("{written} pages written"))
}

fn pages(command: &Command, name: &str, place: &Path) -> anyhow::Result<usize> {
    let mut text = Vec::new();
    page(command, name, &mut text)?;
    let path = place.join(format!("{name}.{SECTION}"));
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut written = 1;
    for child in command.get_subcommands().filter(|child| child.get_name() != "help" && !child.is_hide_set()) {
        written += pages(child, &format!("{name}-{}", child.get_name()), place)?;
    }
    Ok(written)
}

fn page(command: &Command, name: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    clap_mangen::Man::new(named).title(name).section(SECTION).render(out)
}
