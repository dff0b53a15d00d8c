//! The options in other programs' words: OpenWrt's `uci_validate_section`, LuCI's settings page, Markdown.
//!
//! `tests/openwrt.rs` holds the files in `openwrt/` against these texts.

use super::SECTION_KIND;
use super::kind::{Form, OptionSpec, Shape, Tab};
use super::options::OPTIONS;
use crate::limits;

/// The file that the init script sources: a function that validates section `$1`.
///
/// Its types say less than the daemon's: an address is any text there. It refuses no value that the daemon
/// accepts.
pub fn validation() -> String {
    let mut text = format!(
        "#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Written by minewall's tests from the daemon's own options.

validate_minewall_section() {{
	uci_validate_section {SECTION_KIND} {SECTION_KIND} \"$1\""
    );
    for option in OPTIONS {
        let default = option.kind.default_values().join(" ");
        let default = if default.is_empty() { default } else { format!(":{default}") };
        text += &format!(" \\\n\t\t'{}:{}{default}'", option.name, datatype(&option.kind.shape()));
    }
    text + "\n}\n"
}

/// A type of `validate_data`'s.
fn datatype(shape: &Shape) -> String {
    match shape {
        Shape::Flag => "or(bool,\"enabled\",\"disabled\")".into(),
        Shape::Number { min, max, .. } => format!("range({min},{max})"),
        Shape::Choice(words) => {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("or({})", words.join(","))
        }
        Shape::Path => format!("maxlength({})", limits::PATH_BYTES),
        Shape::One(_) => "string".into(),
        Shape::List(_) => "list(string)".into(),
    }
}

/// The module that the settings page of LuCI builds its form from.
pub fn settings_page() -> String {
    let mut text = String::from(
        "'use strict';
'require baseclass';

/* Written by minewall's tests from the daemon's own options: see src/config/options.rs. */

return baseclass.extend({
	tabs: [
",
    );
    for (tab, name, title, description) in TABS {
        let description = if description.is_empty() { "null".into() } else { translated(description) };
        let names: Vec<String> = OPTIONS.iter().filter(|option| option.tab == tab).map(js_option).collect();
        text += &format!(
            "\t\t{{ name: '{name}', title: {}, help: {description}, options: [\n{}\n\t\t] }},\n",
            translated(title),
            names.join(",\n")
        );
    }
    text.truncate(text.len() - 2);
    text + "\n\t]\n});\n"
}

fn js_option(option: &OptionSpec) -> String {
    let kind = match option.kind.shape() {
        Shape::Flag => "kind: 'flag'".to_owned(),
        Shape::Number { min, max, unit } => {
            let unit = if unit.is_empty() { "null".into() } else { translated(unit) };
            format!("kind: 'number', min: {min}, max: {max}, unit: {unit}")
        }
        Shape::Choice(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|(word, meaning)| format!("[ '{word}', {} ]", translated(meaning)))
                .collect();
            format!("kind: 'choice', choices: [ {} ]", words.join(", "))
        }
        Shape::Path => "kind: 'path'".into(),
        Shape::One(form) => format!("kind: 'text', form: '{}'", form_name(form)),
        Shape::List(form) => format!("kind: 'list', form: '{}'", form_name(form)),
    };
    let default = option.kind.default_values().join(" ");
    format!(
        "\t\t\t{{ name: '{}', {kind}, preset: '{default}',\n\t\t\t\ttitle: {},\n\t\t\t\thelp: {} }}",
        option.name,
        translated(option.title),
        translated(&help(option))
    )
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Host => "host",
        Form::Endpoint => "endpoint",
        Form::Path => "path",
        Form::Name => "name",
        Form::Collector => "collector",
        Form::Fingerprint => "fingerprint",
    }
}

fn translated(text: &str) -> String {
    format!("_('{}')", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The help on one line.
fn help(option: &OptionSpec) -> String {
    let lines: Vec<&str> = option.help.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// The reference of all options, as Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Options

All options of the section `config minewall 'main'` in `/etc/config/minewall`. Written by minewall's tests from the
daemon's own options; `minewall config --default` prints the same as a file with comments.
",
    );
    for (tab, _, title, description) in TABS {
        text += &format!("\n## {title}\n\n");
        if !description.is_empty() {
            text += &format!("{description}\n\n");
        }
        text += "| option | default | accepted | purpose |\n|---|---|---|---|\n";
        for option in OPTIONS.iter().filter(|option| option.tab == tab) {
            let defaults: Vec<String> = option
                .kind
                .default_values()
                .iter()
                .filter(|value| !value.is_empty())
                .map(|value| format!("`{value}`"))
                .collect();
            let accepted = option.kind.shape().to_string().replace('|', "\\|");
            text +=
                &format!("| `{}` | {} | {accepted} | {} |\n", option.name, defaults.join(" "), help(option));
        }
    }
    text
}

/// The tabs of the settings page: name, title, description.
const TABS: [(Tab, &str, &str, &str); 7] = [
    (Tab::General, "general", "General", ""),
    (
        Tab::Encrypted,
        "encrypted",
        "Encrypted sessions",
        "What cannot be read is classified by the sizes and times of its packets. A suspect is reported, not blocked, until its server proves to be a pool.",
    ),
    (
        Tab::Probe,
        "probe",
        "Probe",
        "The server of a suspect is asked whether it is a pool, in a connection of the router of its own.",
    ),
    (
        Tab::Known,
        "known",
        "Known pools",
        "Connections to servers that are known to be pools, from lists or by proof, are cut off before they say a word.",
    ),
    (Tab::Reports, "reports", "Reports", ""),
    (
        Tab::Notices,
        "notices",
        "Notices",
        "Programs in /etc/minewall/hooks.d are run when something was found: to send a mail, a message, a request.",
    ),
    (
        Tab::Resources,
        "resources",
        "Resources",
        "For those who know why. The defaults suit a router with 64 MB of memory.",
    ),
];
