//! The environment of this process, which lies where the kernel has put it, for all to see who may look into the process.

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::{fs, ptr};

use zeroize::Zeroize as _;

unsafe extern "C" {
    /// The C library's list: pointers to texts, up to a null pointer.
    static mut environ: *mut *mut c_char;
}

pub(super) fn take(is_kept: fn(&[u8]) -> bool) -> io::Result<Vec<(OsString, OsString)>> {
    require_one_thread()?;
    // SAFETY: there is no other thread that could read or change the list.
    Ok(unsafe { take_from(environ, is_kept) })
}

fn require_one_thread() -> io::Result<()> {
    match fs::read_dir("/proc/self/task").map(Iterator::count) {
        Ok(2..) => {}
        Ok(_) => return Ok(()),
        // Without /proc no environment can be read from outside, and taking it is as safe: the program has no threads yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    Err(io::Error::other("the environment cannot be taken while the process has other threads"))
}

/// # Safety
/// The list is null, or one of texts up to a null pointer, all of which can be written and are not used elsewhere meanwhile.
unsafe fn take_from(list: *mut *mut c_char, is_kept: fn(&[u8]) -> bool) -> Vec<(OsString, OsString)> {
    let mut taken = Vec::new();
    if list.is_null() {
        return taken;
    }
    let (mut from, mut to) = (list, list);
    // SAFETY: `from` goes through the list up to its end, and `to` is never ahead of it.
    unsafe {
        while let Some(text) = from.read().as_mut() {
            let pair = split(CStr::from_ptr(text).to_bytes());
            if pair.as_ref().is_some_and(|(name, _)| is_kept(name.as_bytes())) {
                to.write(text);
                to = to.add(1);
            } else {
                wipe(text);
            }
            taken.extend(pair);
            from = from.add(1);
        }
        to.write(ptr::null_mut());
    }
    taken
}

/// # Safety
/// A text that can be written and is not used elsewhere.
unsafe fn wipe(text: *mut c_char) {
    // SAFETY: as the caller says; the zero byte behind it stays what it is.
    unsafe { std::slice::from_raw_parts_mut(text.cast::<u8>(), libc::strlen(text)) }.zeroize();
}

fn split(text: &[u8]) -> Option<(OsString, OsString)> {
    let end = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at_checked(end)?;
    Some((OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(value.get(1..)?).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a list of these becomes: what is taken, the bytes that are left of each text, and how many are still in the list.
    fn taken(texts: &[&str]) -> (Vec<(OsString, OsString)>, Vec<Vec<u8>>, usize) {
        let mut texts: Vec<Vec<u8>> = texts.iter().map(|text| format!("{text}\0").into_bytes()).collect();
        let mut list: Vec<*mut c_char> = texts.iter_mut().map(|text| text.as_mut_ptr().cast()).collect();
        list.push(ptr::null_mut());
        // SAFETY: a list of our own.
        let taken = unsafe { take_from(list.as_mut_ptr(), |name| name == b"PATH") };
        let left = list.iter().position(|text| text.is_null()).unwrap();
        (taken, texts, left)
    }

    #[test]
    fn n5_nothing_is_left_of_a_variable_but_of_those_that_are_kept() {
        let (taken, texts, left) = taken(&["SECRET=a=b", "PATH=/bin", "EMPTY=", "odd", "SECRET=again"]);
        let pairs: Vec<_> =
            taken.iter().map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap())).collect();
        assert_eq!(pairs, [("SECRET", "a=b"), ("PATH", "/bin"), ("EMPTY", ""), ("SECRET", "again")]);
        assert_eq!((left, texts[1].as_slice()), (1, b"PATH=/bin\0".as_slice()));
        for text in [0, 2, 3, 4].map(|number| &texts[number]) {
            assert!(text.iter().all(|byte| *byte == 0), "{text:?}");
        }
    }

    #[test]
    fn an_environment_that_other_threads_may_read_is_not_taken() {
        // The runner of the tests has a thread of its own.
        assert!(take(|_| true).unwrap_err().to_string().contains("other threads"));
    }
}
