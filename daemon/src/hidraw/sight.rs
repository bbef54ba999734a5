//! What udev and the kernel say of HID interfaces.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use token::Sighting;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use udev::{Device, Enumerator, EventType, MonitorBuilder, MonitorSocket};

/// The subsystem of `/dev/hidraw*`.
const HIDRAW: &str = "hidraw";

/// Longest report descriptor (HID_MAX_DESCRIPTOR_SIZE in the kernel).
const LONGEST: u64 = 4096;

/// What is told of one interface.
#[derive(Debug)]
pub(super) enum News {
    /// It is there.
    Here(Sighting),
    /// It is there, and something about it is different: its permissions, perhaps.
    Changed(PathBuf),
    /// It is gone.
    Gone(PathBuf),
}

/// udev's socket, for after its rules were applied: the nodes have their permissions then.
#[expect(unsafe_code, reason = "tokio takes the socket's word that it keeps its descriptor")]
pub(super) fn listen() -> io::Result<AsyncFd<MonitorSocket>> {
    let socket = MonitorBuilder::new()?.match_subsystem(HIDRAW)?.listen()?;
    // SAFETY: libudev opens the descriptor with the monitor, closes it with the monitor, and never exchanges it; the
    // socket holds the monitor.
    let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) };
    Ok(socket?)
}

/// Everything that was told since this was last asked.
pub(super) fn told(socket: &MonitorSocket) -> Vec<News> {
    let mut news = Vec::new();
    // Where too much was told at once, the kernel says so in between, and the first round ends there.
    for _ in 0..2 {
        news.extend(socket.iter().filter_map(|event| {
            let device = event.device();
            let path = device.devnode().map(Path::to_owned);
            match event.event_type() {
                EventType::Add => seen(&device).map(News::Here),
                EventType::Remove => path.map(News::Gone),
                _ => path.map(News::Changed),
            }
        }));
    }
    news
}

/// Everything that is there.
pub(super) fn scan() -> io::Result<Vec<Sighting>> {
    let mut all = Enumerator::new()?;
    all.match_subsystem(HIDRAW)?;
    Ok(all.scan_devices()?.filter_map(|device| seen(&device)).collect())
}

fn seen(device: &Device) -> Option<Sighting> {
    let path = device.devnode()?.to_owned();
    let hid = device.parent_with_subsystem("hid").ok()??;
    let vendor = vendor(hid.property_value("HID_ID")?.to_str()?)?;
    Some(Sighting::Hidraw { path, vendor, descriptor: descriptor(hid.syspath())? })
}

/// Out of bus, vendor and product: `0003:00001050:00000407`.
fn vendor(id: &str) -> Option<u16> {
    let vendor = u32::from_str_radix(id.split(':').nth(1)?, 16).ok()?;
    vendor.try_into().ok()
}

fn descriptor(hid: &Path) -> Option<Vec<u8>> {
    let mut descriptor = Vec::new();
    File::open(hid.join("report_descriptor")).ok()?.take(LONGEST).read_to_end(&mut descriptor).ok()?;
    Some(descriptor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_stands_in_the_middle() {
        assert_eq!(vendor("0003:00001050:00000407"), Some(0x1050));
        for wrong in ["", "0003", "0003:x:1", "0003:00011050:0407"] {
            assert_eq!(vendor(wrong), None, "{wrong}");
        }
    }
}
