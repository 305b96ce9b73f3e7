// SPDX-License-Identifier: GPL-2.0-or-later
// The very sandbox of the daemon, put up in a child each: what it takes away, and what it leaves.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "daemon/file_fence.hpp"
#include "daemon/syscall_filter.hpp"
#include "history/recorder.hpp"

namespace farewell::daemon {
namespace {

namespace fs = std::filesystem;

constexpr int kNoSandbox = 254;

class SandboxTest : public testing::Test {
 protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "farewell-sandbox-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        fs::create_directory(inside());
    }
    void TearDown() override { fs::remove_all(directory); }
    [[nodiscard]] fs::path inside() const { return directory / "inside"; }
    [[nodiscard]] fs::path outside() const { return directory / "outside"; }

    /// How a child ends in which `action` runs under the filter: its return value, or minus the signal.
    static int filtered(const std::function<int()>& action) {
        return in_child([&] {
            const auto restricted = restrict_system_calls();
            return restricted ? action() : kNoSandbox;
        });
    }
    /// The same behind the fence, with `inside()` left to write in.
    int fenced(const std::function<int()>& action) const {
        return in_child([&] {
            const std::array writable{inside()};
            const auto restricted = write_only_below(writable);
            return restricted ? action() : kNoSandbox;
        });
    }

    fs::path directory;

 private:
    static int in_child(const std::function<int()>& action) {
        const pid_t child = fork();
        if (child == 0) {
            const bool is_ready =
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
            _exit(is_ready ? action() : kNoSandbox);
        }
        int status = 0;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
};

/// 0, or the errno of what a call gave.
int reason(long result) {
    return result < 0 ? errno : 0;
}

bool has_filter() {
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        _exit(restrict_system_calls() ? 0 : 1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool has_landlock() {
    return syscall(SYS_landlock_create_ruleset, nullptr, 0, 1U) >= 1;
}

class SyscallFilterTest : public SandboxTest {
 protected:
    void SetUp() override {
        if (!has_filter()) {
            GTEST_SKIP() << "no libseccomp in this build, or no seccomp in this kernel";
        }
        SandboxTest::SetUp();
    }
};

class FileFenceTest : public SandboxTest {
 protected:
    void SetUp() override {
        if (!has_landlock()) {
            GTEST_SKIP() << "no Landlock in this kernel";
        }
        SandboxTest::SetUp();
    }
};

TEST_F(SyscallFilterTest, WhoeverStartsAProgramIsEnded) {
    EXPECT_EQ(filtered([] { return execl("/bin/true", "true", nullptr); }), -SIGSYS);
    EXPECT_EQ(
        filtered([] { return static_cast<int>(syscall(SYS_execveat, AT_FDCWD, "/bin/true", 0, 0, 0)); }),
        -SIGSYS);
    EXPECT_EQ(filtered([] { return fork() == 0 ? 1 : 2; }), -SIGSYS);
}

TEST_F(SyscallFilterTest, WhoeverReachesForOthersOrTheKernelIsEnded) {
    EXPECT_EQ(filtered([] { return reason(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_bpf, BPF_MAP_CREATE, nullptr, 0)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(mount("none", "/", "tmpfs", 0, nullptr)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(unshare(CLONE_NEWUSER)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(setns(0, 0)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_setuid, 0)); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_init_module, nullptr, 0, "")); }), -SIGSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_io_uring_setup, 1, nullptr)); }), -SIGSYS);
}

TEST_F(SyscallFilterTest, NoSocketReachesTheNetwork) {
    EXPECT_EQ(filtered([] { return reason(socket(AF_INET, SOCK_STREAM, 0)); }), EAFNOSUPPORT);
    EXPECT_EQ(filtered([] { return reason(socket(AF_INET6, SOCK_DGRAM, 0)); }), EAFNOSUPPORT);
    EXPECT_EQ(filtered([] { return reason(socket(AF_PACKET, SOCK_RAW, 0)); }), EAFNOSUPPORT);
    EXPECT_EQ(filtered([] { return reason(socket(AF_VSOCK, SOCK_STREAM, 0)); }), ENOSYS);
    EXPECT_EQ(filtered([] { return reason(socket(AF_UNIX, SOCK_DGRAM, 0)); }), 0);
    EXPECT_EQ(filtered([] { return reason(socket(AF_NETLINK, SOCK_RAW, 0)); }), 0);
}

TEST_F(SyscallFilterTest, WrittenMemoryNeverBecomesCode) {
    const auto map = [](int protection) {
        void* memory = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return memory == MAP_FAILED ? errno : 0;
    };
    EXPECT_EQ(filtered([&] { return map(PROT_READ | PROT_WRITE); }), 0);
    EXPECT_EQ(filtered([&] { return map(PROT_READ | PROT_WRITE | PROT_EXEC); }), ENOSYS);
    EXPECT_EQ(filtered([] {
                  void* memory =
                      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  return reason(mprotect(memory, 4096, PROT_READ | PROT_EXEC));
              }),
              ENOSYS);
}

TEST_F(SyscallFilterTest, OthersCannotBeSignalledButAskedAfter) {
    const pid_t parent = getpid();
    EXPECT_EQ(filtered([parent] { return reason(kill(parent, 0)); }), 0);
    EXPECT_EQ(filtered([parent] { return reason(kill(parent, SIGTERM)); }), ENOSYS);
}

TEST_F(SyscallFilterTest, WhatNobodyThoughtOfIsAsIfTheKernelHadItNot) {
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_sethostname, "x", 1)); }), ENOSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_acct, nullptr)); }), ENOSYS);
    EXPECT_EQ(filtered([] { return reason(syscall(SYS_setpriority, 0, 0, -20)); }), ENOSYS);
}

TEST_F(SyscallFilterTest, TheHistorysThreadMayGiveWay) {
    EXPECT_EQ(filtered([] { return reason(setpriority(PRIO_PROCESS, 0, history::Recorder::kNice)); }), 0);
}

TEST_F(SyscallFilterTest, ThreadsStartAndRunFiltered) {
    EXPECT_EQ(filtered([] {
                  int seen = -1;
                  std::thread([&seen] { seen = reason(socket(AF_INET, SOCK_STREAM, 0)); }).join();
                  return seen;
              }),
              EAFNOSUPPORT);
}

TEST_F(SyscallFilterTest, ThreadsThatRanBeforeAreFilteredToo) {
    EXPECT_EQ(filtered([] { return 0; }), 0);
    const pid_t child = fork();
    if (child == 0) {
        std::atomic<bool> is_on{false};
        int seen = -1;
        std::thread before([&] {
            while (!is_on) {
                std::this_thread::yield();
            }
            seen = reason(socket(AF_INET, SOCK_STREAM, 0));
        });
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        is_on = restrict_system_calls().has_value();
        before.join();
        _exit(seen);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), EAFNOSUPPORT);
}

TEST_F(FileFenceTest, FilesChangeInsideAlone) {
    EXPECT_EQ(fenced([&] { return reason(open((inside() / "file").c_str(), O_WRONLY | O_CREAT, 0600)); }), 0);
    EXPECT_EQ(fenced([&] { return reason(unlink((inside() / "file").c_str())); }), 0);
    EXPECT_EQ(fenced([&] { return reason(open(outside().c_str(), O_WRONLY | O_CREAT, 0600)); }), EACCES);
    std::ofstream(outside()) << "here before";
    EXPECT_EQ(fenced([&] { return reason(open(outside().c_str(), O_RDWR)); }), EACCES);
    EXPECT_EQ(fenced([&] { return reason(unlink(outside().c_str())); }), EACCES);
    EXPECT_EQ(fenced([&] { return reason(rename(outside().c_str(), (inside() / "moved").c_str())); }), EACCES)
        << "nor is anything taken in";
    EXPECT_EQ(fenced([&] { return reason(open(outside().c_str(), O_RDONLY)); }), 0) << "reading goes on";
}

TEST_F(FileFenceTest, NoProgramStarts) {
    fs::copy_file("/bin/true", inside() / "program");
    EXPECT_EQ(fenced([&] { return reason(execl((inside() / "program").c_str(), "program", nullptr)); }),
              EACCES);
    EXPECT_EQ(fenced([] { return reason(execl("/bin/true", "true", nullptr)); }), EACCES);
}

TEST_F(FileFenceTest, ADirectoryThatIsNotThereIsNamed) {
    const std::array missing{directory / "missing"};
    const auto restricted = write_only_below(missing);
    ASSERT_FALSE(restricted);
    EXPECT_EQ(restricted.error(),
              "fence off files: open " + missing[0].string() + ": No such file or directory");
}

}  // namespace
}  // namespace farewell::daemon
