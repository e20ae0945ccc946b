//! Times in ID tokens: any number of seconds, cut by whoever reads it to the side that is safe.

use serde_json::Value;

/// A time in seconds since 1970, perhaps with a fraction.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatedTime(f64);

impl StatedTime {
    /// Midnight after the last day of the year 9999. What lies beyond is not in seconds.
    const END: f64 = 253_402_300_800.0;

    pub(super) const NOT_A_TIME: &'static str = "exp, iat or nbf is not a number of seconds since 1970";

    pub(super) fn read(value: &Value) -> Result<Self, &'static str> {
        let seconds = value.as_f64().filter(|seconds| (0.0..Self::END).contains(seconds));
        seconds.map(Self).ok_or(Self::NOT_A_TIME)
    }

    /// The last whole second that is not after it.
    pub(super) fn floor(self) -> i64 {
        whole(self.0.floor())
    }

    /// The first whole second that is not before it.
    pub(super) fn ceil(self) -> i64 {
        whole(self.0.ceil())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is whole, and far smaller than an i64 may be")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_number_of_seconds_is_no_time() {
        for odd in [
            json!(-1),
            json!(-0.001),
            json!(1e300),
            json!(1_800_000_000_000_i64),
            json!("1"),
            json!(null),
            json!([1]),
        ] {
            assert!(StatedTime::read(&odd).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn a_time_lies_between_its_two_cuts(seconds in 0.0..StatedTime::END - 1.0) {
            let time = StatedTime::read(&json!(seconds)).unwrap();
            prop_assert!((0..=1).contains(&(time.ceil() - time.floor())));
            let whole = StatedTime::read(&json!(time.floor())).unwrap();
            prop_assert_eq!((whole.floor(), whole.ceil()), (time.floor(), time.floor()));
        }
    }
}
