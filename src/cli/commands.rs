//! The commands, each declared once: its usage and an example. From that come the help of all and of one, the
//! manual page and the completions of bash and zsh.

/// A command, or one of the subcommands of a command.
struct Command {
    /// The word or words that call it.
    name: &'static str,
    /// Synopsis and purpose, as `--help` shows them.
    usage: &'static str,
    example: &'static str,
}

/// All commands, in the order of the help.
const COMMANDS: &[Command] = &[
    Command {
        name: "run",
        usage: "  minewall run [--config FILE] [--syslog]     inspect the packets of the netfilter queue
",
        example: "minewall run --config /tmp/minewall.conf",
    },
    Command {
        name: "status",
        usage: "  minewall status [--config FILE] [--json|--prometheus]
                                              what the running daemon has seen
",
        example: "minewall status --json",
    },
    Command {
        name: "hosts",
        usage: "  minewall hosts [--config FILE] [--json] [CHOICE]...
                                              the hosts that mined, as the daemon knows them
",
        example: "minewall hosts --verdict blocked",
    },
    Command {
        name: "report",
        usage: "  minewall report [--config FILE] [--json] [CHOICE]...
                                              which hosts mined, since when, how often, and what was done
",
        example: "minewall report --days 7",
    },
    Command {
        name: "events",
        usage: "  minewall events [--config FILE] [--last N] [--follow] [--table|--json] [CHOICE]...
                                              detections: the last N of the log (all, or with --follow
                                              none), then those that come; on a terminal a table, else
                                              lines of JSON
  minewall events --follow --share            only what other routers may know: pools found here
CHOICE is --host NAME|ADDRESS|MAC, --verdict blocked|monitored|suspected, --dialect NAME, --days N,
--since TIME or --until TIME, in UTC like 2026-11-22 or 2026-11-22T06:10:12Z; also of hosts and report
",
        example: "minewall events --last 20 --host childs-laptop --follow",
    },
    Command {
        name: "unblock",
        usage: "  minewall unblock ADDRESS[:PORT]|NAME        forget whatever was learnt of a server
",
        example: "minewall unblock 203.0.113.9:3333",
    },
    Command {
        name: "intel list",
        usage: "  minewall intel list [--json]                what is known of servers
",
        example: "minewall intel list --json",
    },
    Command {
        name: "intel add",
        usage: "  minewall intel add [--policy block|suspect|allow] [--hours N] [--fleet [--topics]] ENTRY... | -
                                              enter servers by hand: ADDRESS, PREFIX or NAME, each with
                                              :PORT or without; - reads lines (these, or JSON); --fleet:
                                              they come from other routers, --topics: TOPIC before each
",
        example: "minewall intel add --hours 24 pool.example:3333",
    },
    Command {
        name: "intel remove",
        usage: "  minewall intel remove ENTRY                 strike entries out
",
        example: "minewall intel remove pool.example:3333",
    },
    Command {
        name: "intel check",
        usage: "  minewall intel check [--json] ADDRESS[:PORT]|NAME[:PORT]
                                              what becomes of connections to it, and why
",
        example: "minewall intel check pool.example:3333",
    },
    Command {
        name: "rules",
        usage: "  minewall rules [--config FILE] [--variant nft|iptables] [--remove]
                                              the rule set that feeds the queue, as text
  minewall rules --offload [--config FILE] [--remove]
                                              of rules that offload flows (as 'nft -a list' prints them,
                                              on standard input), those that wait for the verdict
",
        example: "minewall rules | nft -f -",
    },
    Command {
        name: "config",
        usage: "  minewall config [--config FILE]             check the configuration
  minewall config [--config FILE] --service   the same, and what an init script has to know of it
  minewall config --default                   print it with all options at their defaults
",
        example: "minewall config --config /etc/config/minewall",
    },
    Command {
        name: "probe",
        usage: "  minewall probe [--config FILE] HOST:PORT [--tls|--plain|--auto] [--sni NAME] [--json]
                                              ask a server whether it is a pool
",
        example: "minewall probe pool.example:3333 --json",
    },
    Command {
        name: "check-list",
        usage: "  minewall check-list [--config FILE] [--count] LIST...
                                              whether files are lists, and how many entries they have
",
        example: "minewall check-list --count /etc/minewall/lists/pools.block",
    },
    Command {
        name: "signatures list",
        usage: "  minewall signatures [--config FILE] list    the mining dialects that are known, and from where
",
        example: "minewall signatures list",
    },
    Command {
        name: "signatures check",
        usage: "  minewall signatures check [--count] FILE... whether files are signatures, and the line that is none
",
        example: "minewall signatures check /etc/minewall/signatures/coin.sig",
    },
    Command {
        name: "signatures test",
        usage: "  minewall signatures test FILE CAPTURE...    (desk) a replay with one file beside the built-in signatures
",
        example: "minewall signatures test coin.sig capture.pcap",
    },
    Command {
        name: "notify",
        usage: "  minewall notify [--config FILE] [--hooks DIRECTORY] [--syslog] [-]
                                              run the owner's programs for the daemon's events, or those on
                                              standard input
",
        example: "minewall events --last 1 | minewall notify -",
    },
    Command {
        name: "selftest",
        usage: "  minewall selftest [--json] [--config FILE]   whether it works here: rules, queue, recognition, the kernel's
                                              sets, lists, clock and names; each ok, or what to do
",
        example: "minewall selftest",
    },
    Command {
        name: "ubus",
        usage: "  minewall ubus list | call METHOD | edit     for rpcd; see openwrt/UBUS.md
",
        example: "minewall ubus call status",
    },
    #[cfg(feature = "host")]
    Command {
        name: "replay",
        usage: "  minewall replay [--json|--all] [--config FILE] [--model FILE] [--sensitivity WORD]
                  [--queues N] CAPTURE...     inspect the TCP flows of captures (pcap, pcapng, gzip or not),
                                              folders of them, or - (standard input, told as it happens);
                                              of files on N queues, each with a thread and an engine
",
        example: "minewall replay --all capture.pcap",
    },
    #[cfg(feature = "host")]
    Command {
        name: "train",
        usage: "  minewall train --mining PATH... --benign PATH... [--output FILE]
                                              train a model of stage one, of captures, .seq files or folders
                                              of them, and scripted sessions (--scripted N; 6000); report
                                              what it finds of applications that were held back
",
        example: "minewall train --mining mining.pcap --benign home.pcap --output my.model",
    },
    #[cfg(feature = "host")]
    Command {
        name: "evaluate",
        usage: "  minewall evaluate [--model FILE] --mining PATH... --benign PATH... [--json FILE] [--plots FOLDER]
                                              what a model finds, and how fast
",
        example: "minewall evaluate --model my.model --mining mining.pcap --benign home.pcap",
    },
    #[cfg(feature = "host")]
    Command {
        name: "sequences",
        usage: "  minewall sequences --mining PATH... --benign PATH... --output FILE
                                              captures as a .seq file: sizes, directions and gaps only
",
        example: "minewall sequences --mining mining.pcap --benign home.pcap --output sessions.seq",
    },
];

impl Command {
    /// The first word of the name.
    fn verb(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }
}

const TITLE: &str = "minewall: a cryptomining firewall that runs on the router itself";

const REST: &str =
    "  minewall help [COMMAND]                     this, or the usage of one command with an example
  minewall help --man | --bash | --zsh        (desk) a manual page, completions for a shell
  minewall version

FILE is /etc/config/minewall unless said otherwise.
exit status: 0 success; 1 wrong command line, unusable file or failure;
             2 damaged capture, read as far as it goes
of probe:    0 pool; 1 not a pool; 2 inconclusive; 3 no probe was made
of unblock and intel: 3 nothing is known of it; 4 the daemon refused (some of) it
of events --follow:   1 once the daemon has ended
";

/// The help of all commands.
pub(super) fn overview() -> String {
    let usage: String = COMMANDS.iter().map(|command| command.usage).collect();
    format!("{TITLE}\n\nusage:\n{usage}{REST}")
}

/// The help of one command with all its subcommands, or of one subcommand; none if there is no such command.
pub(super) fn help_of(name: &str) -> Option<String> {
    let named: Vec<&Command> =
        COMMANDS.iter().filter(|command| command.name == name || command.verb() == name).collect();
    let usage: String = named.iter().map(|command| command.usage).collect();
    let examples: String = named.iter().map(|command| format!("  {}\n", command.example)).collect();
    let title = if named.len() > 1 { "examples" } else { "example" };
    (!named.is_empty()).then(|| format!("usage:\n{usage}\n{title}:\n{examples}"))
}

/// A page for man(1), section 8.
#[cfg(feature = "host")]
pub(super) fn manual_page() -> String {
    let mut page = String::from(".TH MINEWALL 8\n.SH NAME\nminewall - ");
    page += TITLE.trim_start_matches("minewall: ");
    page += "\n.SH COMMANDS\n.nf\n";
    for command in COMMANDS {
        page += command.usage;
    }
    page += REST;
    page += ".SH EXAMPLES\n";
    for command in COMMANDS {
        page += command.example;
        page += "\n";
    }
    page += ".fi\n";
    page.replace('-', "\\-")
}

/// Completion for bash, which zsh takes with `zsh_loader`.
#[cfg(feature = "host")]
pub(super) fn completion(zsh_loader: bool) -> String {
    let mut names: Vec<&str> = COMMANDS.iter().map(Command::verb).collect();
    names.dedup();
    let mut text =
        String::from(if zsh_loader { "autoload -U +X bashcompinit && bashcompinit\n" } else { "" });
    text += &format!(
        "_minewall() {{\n\tlocal words='{} help version'\n\tcase ${{COMP_WORDS[1]}} in\n",
        names.join(" ")
    );
    for name in names {
        text += &format!("\t{name}) words='{}' ;;\n", words_after(name).join(" "));
    }
    text + "\tesac\n\t[ \"$COMP_CWORD\" -gt 1 ] || words=\"$words --help --version\"\n\
        \tCOMPREPLY=($(compgen -f -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n\
        complete -o filenames -F _minewall minewall\n"
}

/// The subcommands of a command, and the options that its usage names.
#[cfg(feature = "host")]
fn words_after(verb: &str) -> Vec<&'static str> {
    let commands = || COMMANDS.iter().filter(|command| command.verb() == verb);
    let synopses =
        commands().flat_map(|command| command.usage.lines().filter(|line| line.starts_with("  minewall")));
    let words = synopses.flat_map(|line| line.split(|c: char| !(c.is_ascii_lowercase() || c == '-')));
    let mut options: Vec<&str> = words.filter(|word| word.starts_with("--") && word.len() > 2).collect();
    options.sort_unstable();
    options.dedup();
    options.push("--help");
    let mut words: Vec<&str> =
        commands().filter_map(|command| command.name.split_once(' ')).map(|(_, word)| word).collect();
    words.append(&mut options);
    words
}

#[cfg(all(test, feature = "host"))]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_help_with_an_example_of_its_own() {
        for command in COMMANDS {
            let help = help_of(command.name).expect("declared");
            assert!(help.starts_with(&format!("usage:\n{}", command.usage)), "{help}");
            assert!(command.usage.starts_with(&format!("  minewall {}", command.verb())), "{help}");
            assert!(command.example.contains(&format!("minewall {}", command.name)), "{}", command.example);
            assert!(
                overview().contains(command.usage)
                    && manual_page().contains(&command.name.replace('-', "\\-"))
            );
            assert!(command.usage.lines().all(|line| line.len() <= 110), "{}", command.usage);
        }
        assert_eq!(help_of("nothing"), None);
    }

    #[test]
    fn a_command_s_help_has_all_its_subcommands() {
        let help = help_of("intel").expect("declared");
        for word in ["list", "add", "remove", "check"] {
            assert!(help.contains(&format!("  minewall intel {word}")), "{help}");
            assert!(help.contains("\nexamples:\n"), "{help}");
        }
        assert_eq!(overview().matches("minewall intel add").count(), 1);
    }

    #[test]
    fn completions_offer_commands_and_their_options() {
        let text = completion(false);
        assert!(text.contains("config) words='--config --default --service --help' ;;"), "{text}");
        assert!(text.contains(
            "intel) words='list add remove check --fleet --hours --json --policy --topics --help' ;;"
        ));
        let mut child = std::process::Command::new("bash")
            .args([
                "-c",
                "eval \"$0\"; COMP_WORDS=(minewall st); COMP_CWORD=1; _minewall; echo \"${COMPREPLY[@]}\"",
            ])
            .arg(&text)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("bash");
        let mut said = String::new();
        use std::io::Read;
        child.stdout.take().expect("piped").read_to_string(&mut said).expect("text");
        child.wait().expect("ended");
        assert_eq!(said.trim(), "status");
    }
}
