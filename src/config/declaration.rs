//! The macro that makes a configuration of declared options: the struct, its defaults, and the table of options.

/// Text of the settings page.
#[cfg(any(test, feature = "host"))]
macro_rules! page {
    ($text:literal) => {
        $text
    };
}

/// A router's program has no use for it.
#[cfg(not(any(test, feature = "host")))]
macro_rules! page {
    ($text:literal) => {
        ""
    };
}

macro_rules! options {
    ($(
        $(#[doc = $help:literal])+
        $name:literal $(($($alias:literal),+))? $field:ident: $type:ty = $tab:ident $title:literal $kind:expr;
    )+) => {
        /// The configuration: one field for each option, in its range.
        // The help is shown to people as it is: an IPv6 address in it is no link.
        #[allow(rustdoc::broken_intra_doc_links)]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {
            $($(#[doc = $help])+ pub $field: $type,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Config { $($field: $kind.default_value(),)+ }
            }
        }

        /// Every option, in the order of the default file.
        pub static OPTIONS: &[OptionSpec] = &[$(OptionSpec {
            name: $name,
            aliases: &[$($($alias),+)?],
            title: page!($title),
            tab: Tab::$tab,
            help: &[$($help),+],
            kind: &$kind,
            set: |config, values| $kind.store(values, &mut config.$field),
        }),+];
    };
}

pub(crate) use options;
pub(crate) use page;
