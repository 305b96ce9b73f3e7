// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/metrics_file.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "host/small_file.hpp"
#include "report/errno_text.hpp"

namespace farewell::daemon {

MetricsFile::MetricsFile(std::filesystem::path path)
    : path_(std::move(path)), thread_([this](const std::stop_token& stop) { work(stop); }) {}

void MetricsFile::post(Page page) {
    const std::scoped_lock lock(mutex_);
    waiting_ = std::move(page);
    changed_.notify_one();
}

MetricsFile::Status MetricsFile::status() const {
    const std::scoped_lock lock(mutex_);
    return status_;
}

void MetricsFile::work(const std::stop_token& stop) {
    while (true) {
        Page page;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, stop, [this] { return static_cast<bool>(waiting_); });
            if (stop.stop_requested()) {
                return;
            }
            page = std::exchange(waiting_, Page());
        }
        write(page());
    }
}

void MetricsFile::write(const std::string& page) {
    const int reason = host::replace_file(path_, page, host::Readers::everybody);
    std::string trouble;
    if (reason != 0) {
        // Without the advice: it reads well in `farewell status` and `farewell doctor`.
        trouble = fmt::format("write {}: {}", path_.string(), report::errno_text(reason));
    }
    std::string before;
    {
        const std::scoped_lock lock(mutex_);
        if (!trouble.empty()) {
            ++status_.failures;
        }
        before = std::exchange(status_.trouble, trouble);
    }
    if (!trouble.empty() && before.empty()) {
        spdlog::warn(
            "{}; metrics.textfile is tried again every metrics.interval: its directory must be "
            "writable for the user that farewelld runs as",
            trouble);
    } else if (trouble.empty() && !before.empty()) {
        spdlog::info("{} is written again", path_.string());
    }
}

}  // namespace farewell::daemon
