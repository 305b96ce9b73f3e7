// SPDX-License-Identifier: GPL-2.0-or-later
// The terminal that farewell watch draws on: the edge. Whatever ends the program short of SIGKILL, the
// terminal is as it was before: leave() is called by the destructor, and the signals that would end the
// program are waited for instead.
#pragma once

#include <termios.h>

#include <csignal>
#include <expected>
#include <string>
#include <string_view>

#include "cli/watch/canvas.hpp"

namespace farewell::cli::watch {

class Terminal {
 public:
    /// stdin and stdout must be terminals. The error is a sentence.
    [[nodiscard]] static std::expected<Terminal, std::string> open();
    Terminal(Terminal&& other) noexcept;
    Terminal& operator=(Terminal&&) = delete;
    ~Terminal();

    /// The other screen, without a cursor, keys as they come. Doing it again is no harm.
    void enter();
    void leave();
    /// As the shell's Ctrl-Z does; returns when the program is to go on.
    void stop_until_continued();

    [[nodiscard]] Size size() const;
    void write(std::string_view text) const;

    /// Readable when keys were pressed, or a signal came.
    [[nodiscard]] int keys_fd() const;
    [[nodiscard]] int signals_fd() const { return signals_; }
    /// What was typed; empty: the terminal is gone.
    [[nodiscard]] std::string read_keys() const;
    /// The next signal that came, 0 if none: one to end by, SIGWINCH, SIGTSTP or SIGCONT.
    [[nodiscard]] int read_signal() const;

 private:
    Terminal() = default;

    termios before_{};
    sigset_t signals_before_{};
    int signals_ = -1;  // a signalfd
    bool is_entered_ = false;
};

}  // namespace farewell::cli::watch
