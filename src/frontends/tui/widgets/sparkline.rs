//! A line of bars: how long clients had no answer, from left to right.

use ratatui::style::Style;
use ratatui::text::Span;

use super::super::theme::Theme;

/// The highest bar.
const HIGHEST: u32 = 7;

/// How high a bar is. Each is for twice the time of the one below it; the highest is for `top`, in
/// milliseconds, and more.
pub fn level(gap: u64, top: u64) -> usize {
    let reached = (0..=HIGHEST).rfind(|level| gap >= top >> (HIGHEST - level));
    usize::try_from(reached.unwrap_or(0)).unwrap_or(0)
}

/// The time for which the second bar stands.
pub fn lowest(top: u64) -> u64 {
    top >> (HIGHEST - 1)
}

/// How many samples share a cell, so that all fit.
pub fn per_cell(samples: usize, width: usize) -> usize {
    samples.div_ceil(width.max(1)).max(1)
}

/// All samples in a width; a cell shows the highest of its samples. What reaches the top is bad if
/// there is a limit.
pub fn spans(
    theme: Theme,
    samples: &[u64],
    (top, is_limit): (u64, bool),
    width: usize,
) -> Vec<Span<'static>> {
    let bars = theme.levels();
    let style = |level: usize| -> Style {
        match level {
            7 if is_limit => theme.bad(),
            0 | 1 => theme.good(),
            _ => theme.warning(),
        }
    };
    let cells = samples.chunks(per_cell(samples.len(), width));
    let levels = cells.filter_map(|cell| cell.iter().max().map(|gap| level(*gap, top)));
    let mut spans: Vec<Span<'static>> = Vec::new();
    for level in levels {
        match spans.last_mut() {
            Some(last) if last.style == style(level) => {
                last.content.to_mut().push_str(bars[level]);
            }
            _ => spans.push(Span::styled(bars[level], style(level))),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::super::super::theme::Palette;
    use super::*;

    const TOP: u64 = 30_000;

    fn drawn(ascii: bool, samples: &[u64], width: usize) -> String {
        let theme = Theme {
            palette: Palette::Dark,
            ascii,
        };
        let spans = spans(theme, samples, (TOP, true), width);
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn each_bar_is_for_twice_the_time_of_the_one_below() {
        let starts = [0, 468, 937, 1_875, 3_750, 7_500, 15_000, 30_000];
        for (bar, start) in starts.into_iter().enumerate() {
            assert_eq!(level(start, TOP), bar, "{start}");
            assert_eq!(level(start.saturating_sub(1), TOP), bar.saturating_sub(1));
        }
        assert_eq!(level(u64::MAX, TOP), 7);
        assert_eq!(lowest(TOP), 468);
        // A client that asks four times a second has no gap.
        assert_eq!(level(400, TOP), 0);
        // Any limit of the answers.
        for top in [1_000, 600_000] {
            assert_eq!((level(top - 1, top), level(top, top)), (6, 7));
        }
        assert_eq!(level(5, 0), 7);
    }

    #[test]
    fn all_samples_fit_and_the_highest_of_a_cell_is_seen() {
        let samples = [200, 250, 1_000, 5_000, 40_000, 200];
        assert_eq!(drawn(false, &samples, 10), "▁▁▃▅█▁");
        assert_eq!(drawn(true, &samples, 10), "__:=#_");
        assert_eq!(drawn(false, &samples, 5), "▁▅█");
        assert_eq!(drawn(false, &samples, 1), "█");
        assert_eq!(drawn(false, &[], 10), "");
        for count in 0..300 {
            let samples = vec![0; count];
            assert!(drawn(true, &samples, 70).len() <= 70, "{count}");
        }
        assert_eq!(drawn(false, &samples, 0), "█");
    }
}
