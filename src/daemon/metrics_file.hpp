// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the page of metrics into a file now and then, for node_exporter's textfile collector.
//
// Use:     construct, post() a page every so often.
// Threads: post() and status() from any, and they never wait for the disk; one thread of its own makes the
//          page and writes it. A page that comes while it is busy takes the place of the one that waits.
// Cost:    the file is replaced as a whole: whoever reads it sees one page or the next.
// Logs:    a trouble when it begins and when it has ended. Counts: pages that could not be written.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace farewell::daemon {

class MetricsFile {
 public:
    /// Makes the page; called on the thread of the file.
    using Page = std::move_only_function<std::string()>;

    struct Status {
        std::uint64_t failures = 0;
        std::string trouble;  // why the last page could not be written; empty: it was
    };

    explicit MetricsFile(std::filesystem::path path);

    void post(Page page);
    [[nodiscard]] Status status() const;

 private:
    void work(const std::stop_token& stop);
    void write(const std::string& page);

    const std::filesystem::path path_;

    mutable std::mutex mutex_;  // of what follows; never held while a page is made or written
    std::condition_variable_any changed_;
    Page waiting_;  // empty: none
    Status status_;

    std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace farewell::daemon
