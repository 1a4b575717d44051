use crate::domain::interaction::{EventPage, KeptEvent};
use crate::domain::{Cursor, limits};

/// Fills a page of reported events up to its bounds, which are the same in every store.
#[derive(Debug)]
pub(super) struct PageBuilder {
    page: EventPage,
    places: usize,
    bytes: usize,
}

impl PageBuilder {
    /// A page of the events after `after`, for which up to `limit` are looked at.
    pub(super) const fn new(after: Cursor, limit: usize) -> Self {
        Self {
            page: EventPage {
                events: Vec::new(),
                next: after,
                more: false,
            },
            places: limit,
            bytes: 0,
        }
    }

    /// Says whether there is room for the next event. If there is not, the page knows that there is more.
    pub(super) const fn has_room(&mut self) -> bool {
        let full = self.places == 0 || self.bytes >= limits::EVENT_PAGE_BYTES;
        self.page.more = full;
        !full
    }

    /// Adds an event.
    pub(super) fn add(&mut self, event: KeptEvent) {
        self.pass(event.place);
        self.bytes += event.data.as_str().len();
        self.page.events.push(event);
    }

    /// Passes over an event that is not meant.
    pub(super) const fn pass(&mut self, place: Cursor) {
        self.places -= 1;
        self.page.next = place;
    }

    /// The page.
    pub(super) fn finish(self) -> EventPage {
        self.page
    }
}
