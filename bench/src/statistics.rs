//! What many figures say.

/// The middle of these figures; of an even number of them, the mean of the two in the middle. Nothing of nothing.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get(middle.checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper))
}

/// How steep the line is that fits these points best, by least squares. Nothing when they lie above one another.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand points at most")]
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (mut product, mut square) = (0.0, 0.0);
    for (x, y) in points {
        product += (x - mean_x) * (y - mean_y);
        square += (x - mean_x).powi(2);
    }
    (square > 0.0).then(|| product / square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_figure_that_is_far_off() {
        assert_eq!(median(&[3.0, 1.0, 1000.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 1000.0]), Some(3.0));
        assert_eq!(median(&[7.0]), Some(7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_slope_of_a_line_is_found_through_noise_on_both_sides() {
        let points: Vec<_> = (0..10).map(f64::from).map(|x| (x, 5.0 + 2.0 * x)).collect();
        assert!((slope(&points).unwrap() - 2.0).abs() < 1e-9);
        let noisy = [(0.0, 1.0), (0.0, -1.0), (10.0, 31.0), (10.0, 29.0)];
        assert!((slope(&noisy).unwrap() - 3.0).abs() < 1e-9);
    }

    #[test]
    fn points_above_one_another_have_no_slope() {
        assert_eq!(slope(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(slope(&[]), None);
    }
}
