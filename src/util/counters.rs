//! Records of counters that are kept in parts, one for each packet loop, and added up for the status.

/// Adds up two parts of a count.
pub(crate) trait Sum {
    /// The sum of both; a counter that is full stays so.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

impl Sum for u32 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Sum for u64 {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Sum for usize {
    fn plus(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

/// Declares a record of counters, whose sum is that of each field: a new counter is a line.
macro_rules! counters {
    (
        $(#[$record:meta])*
        $reach:vis struct $name:ident { $($(#[$counter:meta])* $field_reach:vis $field:ident: $type:ty,)* }
    ) => {
        $(#[$record])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $reach struct $name { $($(#[$counter])* $field_reach $field: $type,)* }

        impl $crate::util::counters::Sum for $name {
            fn plus(self, other: Self) -> Self {
                $name { $($field: $crate::util::counters::Sum::plus(self.$field, other.$field),)* }
            }
        }
    };
}

/// [`counters`] that the status shows by their names.
macro_rules! named_counters {
    (
        $(#[$record:meta])*
        $reach:vis struct $name:ident { $($(#[$counter:meta])* $field_reach:vis $field:ident: $type:ty,)* }
    ) => {
        $crate::util::counters::counters! {
            $(#[$record])*
            $reach struct $name { $($(#[$counter])* $field_reach $field: $type,)* }
        }

        impl $name {
            /// Names and values, as members of a JSON object.
            $reach fn members(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($field), self.$field as u64)),*]
            }
        }
    };
}

pub(crate) use {counters, named_counters};

#[cfg(test)]
mod tests {
    use super::Sum;

    counters! {
        /// Counters of a test.
        struct Parts {
            small: u32,
            large: u64,
            size: usize,
        }
    }

    #[test]
    fn each_counter_is_added_and_stays_at_its_end() {
        let part = Parts { small: u32::MAX - 1, large: 2, size: 3 };
        assert_eq!(part.plus(part), Parts { small: u32::MAX, large: 4, size: 6 });
    }
}
