//! A backend that writes a frame in one go: the terminal shows the old frame or the new one, never
//! half of one. A frame that changes nothing writes no byte.

use std::io;

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

pub struct Synchronized<W: io::Write> {
    inner: CrosstermBackend<W>,
    /// A frame has begun, and its end is not written.
    open: bool,
    cursor: Cursor,
}

#[derive(PartialEq)]
enum Cursor {
    Unknown,
    Hidden,
    Shown,
    ShownAt(Position),
}

impl<W: io::Write> Synchronized<W> {
    pub fn new(writer: W) -> Self {
        Self {
            inner: CrosstermBackend::new(writer),
            open: false,
            cursor: Cursor::Unknown,
        }
    }

    /// Another process had the terminal.
    pub fn forget_the_cursor(&mut self) {
        self.cursor = Cursor::Unknown;
    }

    fn open(&mut self) -> io::Result<&mut CrosstermBackend<W>> {
        if !self.open {
            queue!(self.inner, BeginSynchronizedUpdate)?;
            self.open = true;
        }
        Ok(&mut self.inner)
    }
}

impl<W: io::Write> Backend for Synchronized<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, cells: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut cells = cells.peekable();
        if cells.peek().is_none() {
            return Ok(());
        }
        if matches!(self.cursor, Cursor::ShownAt(_)) {
            self.cursor = Cursor::Shown;
        }
        self.open()?.draw(cells)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor == Cursor::Hidden {
            return Ok(());
        }
        self.open()?.hide_cursor()?;
        self.cursor = Cursor::Hidden;
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if matches!(self.cursor, Cursor::Shown | Cursor::ShownAt(_)) {
            return Ok(());
        }
        self.open()?.show_cursor()?;
        self.cursor = Cursor::Shown;
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.inner.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Cursor::ShownAt(position) {
            return Ok(());
        }
        self.open()?.set_cursor_position(position)?;
        if matches!(self.cursor, Cursor::Shown | Cursor::ShownAt(_)) {
            self.cursor = Cursor::ShownAt(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.open()?.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.open()?.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.open {
            queue!(self.inner, EndSynchronizedUpdate)?;
            self.open = false;
        }
        Backend::flush(&mut self.inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use ratatui::layout::Rect;
    use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn taken(&self) -> String {
            String::from_utf8(self.0.take()).expect("text")
        }
    }

    #[test]
    fn a_frame_is_one_update_and_none_where_nothing_changed() {
        let written = Written::default();
        let backend = Synchronized::new(written.clone());
        let viewport = Viewport::Fixed(Rect::new(0, 0, 20, 2));
        let mut terminal =
            Terminal::with_options(backend, TerminalOptions { viewport }).expect("a terminal");
        let mut frame = |text: &str, cursor: Option<(u16, u16)>| {
            let view = |frame: &mut Frame<'_>| {
                frame.render_widget(text, frame.area());
                if let Some(cursor) = cursor {
                    frame.set_cursor_position(cursor);
                }
            };
            terminal.draw(view).expect("drawn");
            written.taken()
        };

        let first = frame("hello", None);
        assert!(first.starts_with("\u{1b}[?2026h"), "{first:?}");
        assert!(first.contains("hello"), "{first:?}");
        assert!(first.ends_with("\u{1b}[?2026l"), "{first:?}");
        assert_eq!(first.matches("2026").count(), 2, "{first:?}");
        assert_eq!(frame("hello", None), "");

        let shown = frame("hello", Some((3, 1)));
        assert!(shown.contains("\u{1b}[?25h"), "{shown:?}");
        assert!(shown.contains("\u{1b}[2;4H"), "{shown:?}");
        assert_eq!(frame("hello", Some((3, 1))), "");
        // Cells that are written move the cursor.
        assert!(frame("hallo", Some((3, 1))).contains("\u{1b}[2;4H"));
        let hidden = frame("hallo", None);
        assert!(hidden.contains("\u{1b}[?25l"), "{hidden:?}");
        assert_eq!(frame("hallo", None), "");
    }
}
