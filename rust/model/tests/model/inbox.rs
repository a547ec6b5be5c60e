// SPDX-License-Identifier: GPL-2.0

//! Who may put packets into an inbox, and how many.

use core::num::NonZeroUsize;
use flowbucket_model::inbox::{Inbox, Pushed, Reader};
use flowbucket_model::sync::Word;

/// How many packets of a connection go in.
fn fill(inbox: &Inbox<Vec<Word>>, flow: u32) -> usize {
    let one = NonZeroUsize::new(64).unwrap();
    let put = || matches!(inbox.push(one, flow, || true), Pushed::In { .. });
    (0..100).take_while(|_| put()).count()
}

fn drain(inbox: &Inbox<Vec<Word>>, reader: &Reader) {
    while reader.take(inbox).is_some() {}
    reader.release(inbox);
}

#[test]
fn a_hog_leaves_room_for_others() {
    let inbox = Inbox::new((0..16).map(|_| Word::new(0)).collect::<Vec<_>>()).unwrap();
    let reader = Reader::default();
    assert_eq!(fill(&inbox, 7), 16, "known for nothing");
    drain(&inbox, &reader);

    inbox.set_hog(Some(7));
    assert!(inbox.has_hog());
    assert_eq!(fill(&inbox, 7), 0);
    assert_eq!(fill(&inbox, 8), 16);
    drain(&inbox, &reader);

    // No hog any more, but the one to expect it of.
    inbox.set_hog(None);
    inbox.set_hog(None);
    assert!(!inbox.has_hog());
    assert_eq!(fill(&inbox, 7), 8);
    assert_eq!(fill(&inbox, 8), 8);
    drain(&inbox, &reader);

    inbox.set_hog(Some(0));
    assert_eq!((fill(&inbox, 0), fill(&inbox, 7)), (0, 16));
}
