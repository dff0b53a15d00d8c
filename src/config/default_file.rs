//! The default file: every option with its help, its range and its default.

use super::SECTION_KIND;
use super::kind::Shape;
use super::options::OPTIONS;

/// Every option with its help, unit, range and default. All but `enabled` and `mode` are commented out.
pub fn default_file() -> String {
    let mut text = format!("config {SECTION_KIND} 'main'\n");
    for option in OPTIONS {
        for line in option.help {
            text += &format!("\t#{line}\n");
        }
        let shape = option.kind.shape();
        let keyword = if matches!(shape, Shape::List(_)) { "list" } else { "option" };
        let comment = if ["enabled", "mode"].contains(&option.name) { "" } else { "#" };
        if matches!(shape, Shape::Number { .. } | Shape::Choice(_)) {
            text += &format!("\t# {shape}\n");
        }
        let mut values = option.kind.default_values();
        if values.is_empty() {
            values.push(String::new());
        }
        for value in values {
            text += &format!("\t{comment}{keyword} {} '{value}'\n", option.name);
        }
        text.push('\n');
    }
    text + FEED_EXAMPLE
}

/// Example of a feed's section.
const FEED_EXAMPLE: &str = "\
# Lists from elsewhere: minewall-update-lists, run by cron, fetches them and checks them before they count.
# 'policy' is suspect, block or allow; 'interval' is in hours, 'max_size' in KiB; a feed that has lost more than
# 'max_loss' per cent of its entries is refused.
#config feed 'pools'
#	option url 'https://lists.example/pools.txt'
#	option policy 'suspect'
#	option interval '24'
#	option max_size '2048'
#	option max_loss '50'
";
