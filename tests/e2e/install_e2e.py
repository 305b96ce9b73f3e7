# SPDX-License-Identifier: GPL-2.0-or-later
"""The library alone, built without what the daemon needs, installed, moved, and used by projects that know nothing of ours."""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from world import Namespace, wait_until

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
STRICT = ("-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
CACHE = ("ccache",) if shutil.which("ccache") else ()
# Whoever asks for one of these is told that it is not there.
NOT_HERE = ("Boost", "fmt", "spdlog", "CLI11", "nlohmann_json", "PkgConfig", "GTest")

BOTH = """
#include <farewell/nflog/group.hpp>
#include <farewell/nfq/pool.hpp>
#include <farewell/version.hpp>
#include <cstdio>
static_assert(FAREWELL_VERSION == farewell::kVersionMajor * 10000 + farewell::kVersionMinor * 100 + farewell::kVersionPatch);
int main() {
    auto pool = farewell::nfq::Pool::open({.copy_range = 70'000}, 0, 3);
    auto group = farewell::nflog::Group::open({.flush_timeout = std::chrono::hours(1)});
    std::printf("%s\\n%s\\n", pool.error().message().c_str(), group.error().message().c_str());
    return pool || group ? 1 : 0;
}
"""
BOTH_SAYS = "open queue 0: invalid configuration\nopen log group 0: invalid configuration\n"


def programs_of_the_guide():
    """The first extension, and its test with the fake kernel."""
    with open(os.path.join(ROOT, "docs/guide.md"), encoding="utf-8") as file:
        first, tested = re.findall(r"^```cpp\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    return first, tested


class InstalledLibrary(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="farewell-install-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def run_to_end(self, *command, **environment):
        # The cache is told that the same compilations come every time, although the folder has another name.
        environment = dict(os.environ, CCACHE_BASEDIR=self.directory, CCACHE_NOHASHDIR="1", **environment)
        result = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, timeout=400, env=environment)
        self.assertEqual(result.returncode, 0, f"{' '.join(command)}\n{result.stdout}")
        self.assertNotIn("warning", result.stdout.lower(), " ".join(command))
        return result.stdout

    def cmake(self, source, build, *options):
        launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={name}" for name in CACHE]
        self.run_to_end("cmake", "--no-warn-unused-cli", "-G", "Ninja", "-S", source, "-B", self.path(build), "-DCMAKE_BUILD_TYPE=Release",
                        *launcher, *options)
        self.run_to_end("cmake", "--build", self.path(build), "--parallel", "2")

    def install(self, *options):
        """Installs into one place and moves it to another."""
        missing = [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in NOT_HERE]
        self.cmake(ROOT, "library", "-DFAREWELL_LIBRARY_ONLY=ON", *missing, *options)
        self.run_to_end("cmake", "--install", self.path("library"), "--prefix", self.path("first"))
        os.rename(self.path("first"), self.path("moved here"))
        return self.path("moved here")

    def compile(self, prefix, name, text, module):
        packages = self.path(glob.glob(f"{prefix}/lib*/**/pkgconfig", recursive=True)[0])
        flags = self.run_to_end("pkg-config", "--cflags", "--libs", module, PKG_CONFIG_PATH=packages)
        with open(self.path(f"{name}.cpp"), "w", encoding="utf-8") as file:
            file.write(text)
        # pkg-config escapes the blank in the path for a shell.
        compiler = " ".join((*CACHE, "g++", "-std=c++23", *STRICT))
        self.run_to_end("sh", "-c", f"{compiler} -c {self.path(name)}.cpp -o {self.path(name)}.o {flags}")
        self.run_to_end("sh", "-c", f"{compiler} {self.path(name)}.o -o {self.path(name)} {flags}")
        return self.path(name)

    def test_static_by_cmake_and_by_hand(self):
        prefix = self.install()
        self.cmake(os.path.join(ROOT, "examples"), "examples", f"-DCMAKE_PREFIX_PATH={prefix}",
                   f"-DCMAKE_CXX_FLAGS={' '.join(STRICT)}")
        self.assertEqual(self.examples(), sorted(os.path.basename(file)[:-4] for file in glob.glob(f"{ROOT}/examples/*.cpp")))
        first, tested = programs_of_the_guide()
        self.assertLessEqual(len(first.splitlines()), 15, "the simplest useful program")
        hello = self.compile(prefix, "hello", first, "farewell-nfq")
        both = self.compile(prefix, "both", BOTH, "farewell-nfq farewell-nflog")
        self.assertEqual(self.run_to_end(both), BOTH_SAYS)
        self.run_to_end(self.compile(prefix, "tested", tested, "farewell-nfq-testing"))
        self.check_headers(prefix)
        self.check_versions(prefix)
        self.assertTrue(os.path.exists(f"{prefix}/share/man/man3/farewell-nfq.3"))
        for program in (hello, self.path("examples", "hello_queue")):
            self.check_hello(program)

    def test_shared(self):
        prefix = self.install("-DBUILD_SHARED_LIBS=ON")
        library = os.path.dirname(glob.glob(f"{prefix}/lib*/**/libfarewell-nfq.so.0.1", recursive=True)[0])
        both = self.compile(prefix, "both", BOTH, "farewell-nfq farewell-nflog")
        self.assertEqual(self.run_to_end(both, LD_LIBRARY_PATH=library), BOTH_SAYS)
        self.run_to_end(self.compile(prefix, "tested", programs_of_the_guide()[1], "farewell-nfq-testing"), LD_LIBRARY_PATH=library)
        names = self.run_to_end("nm", "--dynamic", "--defined-only", "--demangle", f"{library}/libfarewell-nfq.so")
        foreign = [line for line in names.splitlines() if "farewell::" not in line]
        self.assertEqual(foreign, [], "only our own names are shown")

    def check_versions(self, prefix):
        """While it is 0.x, another minor version is another interface."""
        with open(self.path("CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES CXX)\n")
            for version, found in (("0.1", "TRUE"), ("0.0", "FALSE"), ("0.2", "FALSE"), ("1.0", "FALSE")):
                file.write(f"unset(farewell_DIR CACHE)\nfind_package(farewell {version} QUIET)\n"
                           f"if(farewell_FOUND)\n  set(found TRUE)\nelse()\n  set(found FALSE)\nendif()\n"
                           f"if(NOT found STREQUAL {found})\n"
                           f'  message(FATAL_ERROR "asked for {version}: ${{farewell_FOUND}}")\nendif()\n')
        self.run_to_end("cmake", "-S", self.directory, "-B", self.path("user"), f"-DCMAKE_PREFIX_PATH={prefix}")

    def examples(self):
        return sorted(entry.name for entry in os.scandir(self.path("examples"))
                      if entry.is_file() and os.access(entry.path, os.X_OK))

    def check_headers(self, prefix):
        """Each alone, twice, without a warning."""
        headers = glob.glob(f"{prefix}/include/farewell/**/*.hpp", recursive=True)
        public = glob.glob(f"{ROOT}/include/farewell/**/*.hpp*", recursive=True)
        self.assertEqual(len(headers), len(public))
        with open(self.path("header.cpp"), "w", encoding="utf-8") as file:
            file.write("#include HEADER\n#include HEADER\n")
        for header in headers:
            name = os.path.relpath(header, f"{prefix}/include")
            self.run_to_end(*CACHE, "g++", "-std=c++23", *STRICT, f"-I{prefix}/include", f"-DHEADER=<{name}>",
                            "-c", self.path("header.cpp"), "-o", self.path("header.o"))

    def check_hello(self, program):
        if os.geteuid() != 0:
            result = subprocess.run([program], check=False, text=True, stderr=subprocess.PIPE, timeout=20)
            self.assertEqual(result.returncode, 1)
            self.assertIn("CAP_NET_ADMIN", result.stderr)
            return
        namespace = Namespace()
        self.addCleanup(namespace.close)
        namespace.run("iptables-nft", "-w", "-A", "INPUT", "-p", "udp", "--dport", "7000", "-j", "NFQUEUE", "--queue-num", "0")
        process = namespace.start(program, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        wait_until(lambda: namespace.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout, "the queue is bound")
        namespace.run("bash", "-c", "echo hello >/dev/udp/127.0.0.1/7000")
        self.assertEqual(process.stdout.readline(), "packet 1: 34 bytes\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), 0)
