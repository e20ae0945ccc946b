//! Which plugin some code belongs to.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::Site;

/// A piece of mapped code. They form a list that only grows, which can be read at any moment.
struct Piece {
    start: usize,
    end: usize,
    site: &'static Site,
    next: *const Piece,
}

static PIECES: AtomicPtr<Piece> = AtomicPtr::new(ptr::null_mut());

/// Remembers where the code of a library is. `inside` is the address of one of its functions.
pub(crate) fn remember(inside: usize, site: &'static Site) {
    for (start, end) in pieces_around(inside) {
        // OWNERSHIP: never freed; nor is the library unloaded.
        link(Box::leak(Box::new(Piece { start, end, site, next: ptr::null() })));
    }
}

/// Puts a piece before the others.
fn link(piece: &'static mut Piece) {
    let mut first = PIECES.load(Ordering::Acquire);
    loop {
        piece.next = first;
        match PIECES.compare_exchange(first, piece, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return,
            Err(other) => first = other,
        }
    }
}

/// The plugin that the code at an address belongs to.
pub(super) fn find(address: usize) -> Option<&'static Site> {
    let mut next = PIECES.load(Ordering::Acquire).cast_const();
    // SAFETY: pieces are never freed, and never changed once they are in the list.
    while let Some(piece) = unsafe { next.as_ref() } {
        if (piece.start..piece.end).contains(&address) {
            return Some(piece.site);
        }
        next = piece.next;
    }
    None
}

#[cfg(target_os = "linux")]
fn pieces_around(inside: usize) -> Vec<(usize, usize)> {
    let mut search = Search { inside, found: Vec::new() };
    // SAFETY: the callback gets the search back while it lives.
    unsafe { libc::dl_iterate_phdr(Some(look_at), (&raw mut search).cast()) };
    search.found
}

#[cfg(not(target_os = "linux"))]
fn pieces_around(_inside: usize) -> Vec<(usize, usize)> {
    Vec::new()
}

#[cfg(target_os = "linux")]
struct Search {
    inside: usize,
    found: Vec<(usize, usize)>,
}

/// Looks at one loaded library; ends the search when it is the one.
#[cfg(target_os = "linux")]
#[expect(clippy::cast_possible_truncation, reason = "addresses of this process fit")]
unsafe extern "C" fn look_at(
    library: *mut libc::dl_phdr_info,
    _size: usize,
    search: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: the loader lends a description of the library and passes on the search that it was given.
    let (library, search) = unsafe { (&*library, &mut *search.cast::<Search>()) };
    if library.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the library has so many headers there.
    let headers = unsafe { std::slice::from_raw_parts(library.dlpi_phdr, library.dlpi_phnum.into()) };
    let code =
        headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0);
    let pieces = code.map(|header| {
        let start = (library.dlpi_addr + header.p_vaddr) as usize;
        (start, start + header.p_memsz as usize)
    });
    let pieces: Vec<_> = pieces.collect();
    let is_it = pieces.iter().any(|(start, end)| (*start..*end).contains(&search.inside));
    if is_it {
        search.found = pieces;
    }
    is_it.into()
}
