//! Every declaration of an option.

use super::*;
use crate::config::kind::Shape;

#[test]
fn every_default_is_acceptable_and_every_name_is_one_of_its_own() {
    for (index, option) in OPTIONS.iter().enumerate() {
        let mut config = Config::default();
        let values = option.kind.default_values();
        // No file can give an empty path, which stands for none.
        if values != [""] {
            assert_eq!((option.set)(&mut config, &values), Ok(()), "{}", option.name);
        }
        assert_eq!(config, Config::default(), "{}", option.name);
        let names = |option: &OptionSpec| [option.aliases, &[option.name]].concat();
        let others = OPTIONS[..index].iter().flat_map(names);
        assert!(others.into_iter().all(|other| !names(option).contains(&other)), "{}", option.name);
    }
}

/// Each option sets a field, and no two the same: all pairs of changes can be told apart.
#[test]
fn every_option_has_a_field_of_its_own() {
    let other_value = |option: &OptionSpec| {
        let default = option.kind.default_values().into_iter().next().unwrap_or_default();
        match option.kind.shape() {
            Shape::Flag => if default == "1" { "0" } else { "1" }.to_owned(),
            Shape::Number { min, max, .. } => if default == max.to_string() { min } else { max }.to_string(),
            Shape::Choice(words) => {
                words.iter().map(|(word, _)| *word).find(|word| *word != default).unwrap_or_default().into()
            }
            Shape::Path | Shape::List(Form::Path) => "/elsewhere".into(),
            Shape::List(Form::Host | Form::Endpoint) => "192.0.2.1".into(),
            Shape::One(Form::Collector) => "tcp://192.0.2.1:601".into(),
            Shape::One(_) => "ab".repeat(32),
            Shape::List(Form::Name) => "guest".into(),
            Shape::List(_) => unreachable!("a form without a value"),
        }
    };
    let changed = |options: &[&OptionSpec]| {
        let mut config = Config::default();
        for option in options {
            (option.set)(&mut config, &[other_value(option)]).expect(option.name);
        }
        config
    };
    for one in OPTIONS {
        assert_ne!(changed(&[one]), Config::default(), "{}", one.name);
        for other in OPTIONS.iter().filter(|other| other.name != one.name) {
            assert_ne!(changed(&[one, other]), changed(&[other]), "{} and {}", one.name, other.name);
        }
    }
}

#[test]
fn ranges_end_where_they_say() {
    for option in OPTIONS {
        let Shape::Number { min, max, .. } = option.kind.shape() else { continue };
        let takes = |value: u64| (option.set)(&mut Config::default(), &[value.to_string()]).is_ok();
        assert!(takes(min.into()) && takes(max.into()) && !takes(u64::from(max) + 1), "{}", option.name);
        assert!(min == 0 || !takes(u64::from(min) - 1), "{}", option.name);
    }
}

#[test]
fn lines_of_the_help_fit_a_terminal() {
    for option in OPTIONS {
        assert!(option.help.iter().all(|line| line.len() < 108 && line.starts_with(' ')), "{}", option.name);
        assert!(!option.title.is_empty(), "{}", option.name);
    }
}
