//! `jitsuin completions` and `jitsuin man`

use std::fs;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use token::Language;

use super::Context;
use crate::{Error, Texts, cli, output};

pub(crate) fn completions(context: &Context, shell: Shell) -> Result<(), Error> {
    let mut command = cli::command(&context.texts);
    clap_complete::generate(shell, &mut command, "jitsuin", &mut std::io::stdout());
    Ok(())
}

/// `man1/jitsuin.1`, `man1/jitsuin-tokens.1`, …, and `ja/man1/` beside it.
pub(crate) fn pages(context: &Context, folder: &Path) -> Result<(), Error> {
    let mut written = 0;
    for (language, place) in [(Language::En, folder.join("man1")), (Language::Ja, folder.join("ja/man1"))] {
        fs::create_dir_all(&place)?;
        let texts = Texts::new(language);
        let mut command = cli::command(&texts);
        command.build();
        written += write(&command, "jitsuin", &place)?;
    }
    output::remark(&context.texts.with("man-written", &[("number", &written.to_string())]));
    Ok(())
}

fn write(command: &Command, name: &str, place: &Path) -> Result<usize, Error> {
    // clap_mangen names pages by a command's display name, which is `jitsuin-admin-show`.
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned()).display_name(name.to_owned())).title(name);
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(place.join(format!("{name}.1")), text)?;
    let mut written = 1;
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        written += write(child, &format!("{name}-{}", child.get_name()), place)?;
    }
    Ok(written)
}
