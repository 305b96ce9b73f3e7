# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's own kernel, fetched by apt and made ready to boot; nothing is installed and nothing goes to /boot."""

import glob
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile

_BUILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/vm")
_INITRAMFS_INIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "initramfs_init")
# What the guest needs before it has the host's root, and with it modprobe.
_FIRST_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console", "virtio_rng")
_SETUP_MAGIC, _PAYLOAD_FIELDS = 0x202, 0x248


class Unavailable(Exception):
    """The kernel cannot be had here; the text says why."""


class Kernel:
    """An unpacked kernel package: `image` and `initramfs` to boot, `modules` for the guest's /lib/modules/`release`."""

    def __init__(self, directory):
        self.modules = glob.glob(f"{directory}/lib/modules/*")[0]
        self.release = os.path.basename(self.modules)
        self.image = f"{directory}/vmlinux"
        self.initramfs = f"{directory}/initramfs"


def obtain(package=None):
    """The kernel of a Debian package, by default of the one that linux-image-amd64 depends on; downloaded once."""
    package = package or _current_package()
    directory = os.path.join(os.path.abspath(_BUILD), package)
    if not os.path.isdir(directory):
        os.makedirs(_BUILD, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_BUILD) as work:
            _run("apt-get", "download", "-q", package, cwd=work)
            _run("dpkg", "--extract", glob.glob(f"{work}/*.deb")[0], f"{work}/unpacked")
            _make_image(f"{work}/unpacked")
            os.rename(f"{work}/unpacked", directory)
    kernel = Kernel(directory)
    if not os.path.exists(kernel.initramfs) or os.path.getmtime(kernel.initramfs) < max(
            os.path.getmtime(path) for path in (_INITRAMFS_INIT, __file__)):
        _make_initramfs(directory, kernel)
    return kernel


def _run(*command, **options):
    try:
        return subprocess.run(command, check=True, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, **options).stdout
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"`{' '.join(command)}` failed: {error.stderr.strip()}") from error


def _current_package():
    names = re.findall(r"linux-image-\d\S*-amd64$", _run("apt-cache", "depends", "linux-image-amd64"), re.MULTILINE)
    if not names:
        raise Unavailable("apt knows no linux-image-amd64; apt-get update?")
    return names[0]


def _make_image(directory):
    """Takes vmlinux out of the boot image: qemu starts it directly, without a BIOS and without unpacking it in emulation."""
    with open(glob.glob(f"{directory}/boot/vmlinuz-*")[0], "rb") as file:
        boot_image = file.read()
    if boot_image[_SETUP_MAGIC:_SETUP_MAGIC + 4] != b"HdrS":
        raise Unavailable("the kernel is no x86 boot image")
    setup_sectors = boot_image[0x1f1] + 1
    offset, length = struct.unpack_from("<II", boot_image, _PAYLOAD_FIELDS)
    payload = boot_image[setup_sectors * 512 + offset:][:length]
    if not payload.startswith(b"\xfd7zXZ"):
        raise Unavailable("the kernel is not compressed by xz, as those of Debian 12 are")
    with open(f"{directory}/vmlinux", "wb") as file:
        file.write(lzma.LZMADecompressor().decompress(payload))


def _make_initramfs(directory, kernel):
    _run("/sbin/depmod", "-b", directory, kernel.release)
    with tempfile.TemporaryDirectory() as root:
        for folder in ("bin", "modules", "proc", "dev", "host", "layer", "root"):
            os.mkdir(f"{root}/{folder}")
        busybox = shutil.which("busybox")
        if busybox is None:
            raise Unavailable("busybox-static is not installed")
        shutil.copy(busybox, f"{root}/bin/busybox")
        shutil.copy(_INITRAMFS_INIT, f"{root}/init")
        paths = []
        for module in _FIRST_MODULES:
            listing = _run("/sbin/modprobe", "-d", directory, "-S", kernel.release, "--show-depends", module)
            paths += [path for path in re.findall(r"^insmod (\S+)", listing, re.MULTILINE) if path not in paths]
        for number, path in enumerate(paths):
            shutil.copy(path, f"{root}/modules/{number:02}.ko")
        archive = subprocess.run("find . | cpio --create --format=newc --quiet", shell=True, check=True, cwd=root,
                                 stdout=subprocess.PIPE).stdout
    with open(f"{kernel.initramfs}.new", "wb") as file:
        file.write(archive)
    os.rename(f"{kernel.initramfs}.new", kernel.initramfs)
