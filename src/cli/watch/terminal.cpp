// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/watch/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "report/errno_text.hpp"

namespace farewell::cli::watch {
namespace {

constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[2J";
constexpr std::string_view kLeave = "\033[0m\033[?25h\033[?1049l";
constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

}  // namespace

std::expected<Terminal, std::string> Terminal::open() {
    Terminal terminal;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        return std::unexpected("watch draws on a terminal and reads its keys; for programs there is --json");
    }
    if (tcgetattr(STDIN_FILENO, &terminal.before_) != 0) {
        return std::unexpected(fmt::format("read the terminal's settings: {}", report::errno_text(errno)));
    }
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : kSignals) {
        sigaddset(&signals, signal);
    }
    sigprocmask(SIG_BLOCK, &signals, &terminal.signals_before_);
    terminal.signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (terminal.signals_ < 0) {
        const std::string why = report::errno_text(errno);
        sigprocmask(SIG_SETMASK, &terminal.signals_before_, nullptr);
        return std::unexpected(fmt::format("wait for signals: {}", why));
    }
    return terminal;
}

Terminal::Terminal(Terminal&& other) noexcept
    : before_(other.before_),
      signals_before_(other.signals_before_),
      signals_(std::exchange(other.signals_, -1)),
      is_entered_(std::exchange(other.is_entered_, false)) {}

Terminal::~Terminal() {
    leave();
    if (signals_ >= 0) {
        while (read_signal() != 0) {  // one that was heeded must not come again
        }
        close(signals_);
        sigprocmask(SIG_SETMASK, &signals_before_, nullptr);
    }
}

void Terminal::enter() {
    termios raw = before_;
    raw.c_iflag &= ~static_cast<tcflag_t>(ICRNL | IXON);
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    write(kEnter);
    is_entered_ = true;
}

void Terminal::leave() {
    if (std::exchange(is_entered_, false)) {
        write(kLeave);
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
}

void Terminal::stop_until_continued() {
    leave();
    raise(SIGSTOP);  // not SIGTSTP, which is waited for elsewhere; the shell sees the same
    enter();
}

Size Terminal::size() const {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return {};
    }
    return {.width = size.ws_col, .height = size.ws_row};
}

void Terminal::write(std::string_view text) const {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;  // the terminal is gone, which reading from it will tell
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

int Terminal::keys_fd() const {
    return STDIN_FILENO;
}

std::string Terminal::read_keys() const {
    std::array<char, 256> bytes{};
    const ssize_t length = read(STDIN_FILENO, bytes.data(), bytes.size());
    return length > 0 ? std::string(bytes.data(), static_cast<std::size_t>(length)) : std::string();
}

int Terminal::read_signal() const {
    signalfd_siginfo signal{};
    return read(signals_, &signal, sizeof signal) == sizeof signal ? static_cast<int>(signal.ssi_signo) : 0;
}

}  // namespace farewell::cli::watch
