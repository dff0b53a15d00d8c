//! Enumerations whose variants have names: in files, requests, events and reports.

/// Declares an enumeration, each variant with its name, so that a new variant is a line.
macro_rules! named {
    (
        $(#[$about:meta])*
        $reach:vis enum $type:ident { $($(#[$meaning:meta])* $variant:ident = $name:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $reach enum $type { $($(#[$meaning])* $variant,)+ }

        #[allow(dead_code, reason = "not each is listed, or read")]
        impl $type {
            /// All of them, in the order of their declaration.
            $reach const ALL: [$type; [$($name),+].len()] = [$($type::$variant),+];

            /// The name.
            $reach const fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)+
                }
            }

            /// Inverse of the name.
            $reach fn from_name(name: &str) -> Option<Self> {
                $type::ALL.into_iter().find(|one| one.name() == name)
            }
        }
    };
}

pub(crate) use named;

#[cfg(test)]
mod tests {
    named! {
        /// For the test.
        enum Animal {
            /// Barks.
            Dog = "dog",
            /// Is silent.
            Fish = "fish",
        }
    }

    #[test]
    fn names_lead_there_and_back() {
        assert_eq!(Animal::ALL.map(Animal::name), ["dog", "fish"]);
        assert_eq!(Animal::from_name("fish"), Some(Animal::Fish));
        assert_eq!(Animal::from_name("cat"), None);
    }
}
