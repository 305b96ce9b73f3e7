// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/syscall_filter.hpp"

#include <asm/ioctls.h>
#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "history/recorder.hpp"
#include "report/errno_text.hpp"

namespace farewell::daemon {
namespace {

// Names that an architecture or an older libseccomp does not know are left out.
constexpr std::array kAllowed{
    // receiving, answering, control socket, journal
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
    "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
    // waiting, waking
    "clock_nanosleep", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "eventfd", "eventfd2", "futex", "futex_waitv", "nanosleep", "pause", "pipe", "pipe2",
    "poll", "ppoll", "pselect6", "select", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // the configuration, /proc, logins; where files may be written, the file fence says
    "access", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
    "fallocate", "fchmod", "fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getcwd",
    "getdents64", "lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "pread64", "preadv",
    "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename", "renameat", "renameat2",
    "rmdir", "stat", "statfs", "statx", "sync_file_range", "unlink", "unlinkat", "write", "writev",
    // memory
    "brk", "madvise", "mincore", "mlock", "mremap", "msync", "munlock", "munmap",
    // threads and signals
    "exit", "exit_group", "gettid", "membarrier", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "sched_getaffinity", "sched_yield",
    "set_robust_list", "set_tid_address", "sigaltstack",
    // what there is to ask about oneself and the time
    "capget", "clock_getres", "clock_gettime", "getcpu", "getegid", "geteuid", "getgid", "getpid", "getppid",
    "getpriority", "getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "gettimeofday", "getuid",
    "prctl", "sysinfo", "time", "times", "umask", "uname"};

// Nothing of ours, nor of any library that we use, ever makes these: whoever does is not farewelld any more.
constexpr std::array kFatal{
    // other programs and processes
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    "kcmp",
    // the kernel itself
    "bpf", "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "iopl", "ioperm", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "add_key", "keyctl", "request_key", "personality",
    // other views of the system
    "chroot", "fsconfig", "fsmount", "fsopen", "mount", "mount_setattr", "move_mount", "open_by_handle_at",
    "open_tree", "pivot_root", "setns", "swapoff", "swapon", "umount2", "unshare",
    // other identities
    "capset", "setfsgid", "setfsuid", "setgid", "setgroups", "setregid", "setresgid", "setresuid", "setreuid",
    "setuid"};

struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;  // libseccomp's scmp_filter_ctx is a void*

/// Collects rules; keeps the first error.
class Rules {
 public:
    explicit Rules(scmp_filter_ctx filter) : filter_(filter) {}

    void add(std::uint32_t action, const char* name, const std::vector<scmp_arg_cmp>& conditions = {}) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number < 0) {
            return;  // another architecture's, or newer than libseccomp
        }
        note(seccomp_rule_add_array(filter_, action, number, static_cast<unsigned>(conditions.size()),
                                    conditions.data()));
    }
    void note(int result) { error_ = error_ == 0 ? result : error_; }
    [[nodiscard]] int error() const { return error_; }

 private:
    scmp_filter_ctx filter_;
    int error_ = 0;
};

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
    return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

scmp_arg_cmp has(unsigned argument, std::uint64_t bits) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = bits};
}

scmp_arg_cmp lacks(unsigned argument, std::uint64_t bits) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = 0};
}

/// Calls that depend on what is asked of them.
void add_conditional(Rules& rules) {
    for (const int family : {AF_UNIX, AF_NETLINK}) {
        rules.add(SCMP_ACT_ALLOW, "socket", {is(0, static_cast<std::uint64_t>(family))});
        rules.add(SCMP_ACT_ALLOW, "socketpair", {is(0, static_cast<std::uint64_t>(family))});
    }
    for (const int family : {AF_INET, AF_INET6, AF_PACKET}) {
        rules.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {is(0, static_cast<std::uint64_t>(family))});
    }
    // Threads, but no processes. What clone3(2) is asked for lies in memory, where a filter cannot look;
    // without it the C library takes clone(2).
    rules.add(SCMP_ACT_ALLOW, "clone", {has(0, CLONE_THREAD | CLONE_VM)});
    rules.add(SCMP_ACT_KILL_PROCESS, "clone", {lacks(0, CLONE_THREAD)});
    // No memory that was ever written becomes code.
    rules.add(SCMP_ACT_ALLOW, "mmap", {lacks(2, PROT_EXEC)});
    rules.add(SCMP_ACT_ALLOW, "mmap", {lacks(2, PROT_WRITE)});
    rules.add(SCMP_ACT_ALLOW, "mprotect", {lacks(2, PROT_EXEC)});
    // Non-blocking sockets; whether the log is a terminal.
    for (const int request : {FIONBIO, FIONREAD, TCGETS}) {
        rules.add(SCMP_ACT_ALLOW, "ioctl", {is(1, static_cast<std::uint64_t>(request))});
    }
    // Limits are read, not set.
    rules.add(SCMP_ACT_ALLOW, "prlimit64", {is(2, 0)});
    // The history's thread gives way, and nobody does anything else of that kind.
    rules.add(SCMP_ACT_ALLOW, "setpriority",
              {is(0, PRIO_PROCESS), is(1, 0), is(2, history::Recorder::kNice)});
    // Whether a process that logged somebody in still lives; and abort(3), which is for ourselves.
    rules.add(SCMP_ACT_ALLOW, "kill", {is(1, 0)});
    rules.add(SCMP_ACT_ALLOW, "tgkill", {is(0, static_cast<std::uint64_t>(getpid()))});
}

}  // namespace

std::expected<void, std::string> restrict_system_calls() {
    const auto fail = [](int reason) {
        return std::unexpected(fmt::format("restrict system calls: {}", report::errno_text(-reason)));
    };
    const Filter filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
    if (!filter) {
        return fail(-ENOMEM);
    }
    Rules rules(filter.get());
    for (const char* name : kAllowed) {
        rules.add(SCMP_ACT_ALLOW, name);
    }
    for (const char* name : kFatal) {
        rules.add(SCMP_ACT_KILL_PROCESS, name);
    }
    add_conditional(rules);
    rules.note(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1));
    rules.note(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));  // a search tree, not a list
    if (rules.error() != 0) {
        return fail(rules.error());
    }
    if (const int loaded = seccomp_load(filter.get()); loaded != 0) {
        return fail(loaded);
    }
    return {};
}

}  // namespace farewell::daemon
