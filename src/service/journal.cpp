// SPDX-License-Identifier: GPL-2.0-or-later
#include "service/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace farewell::service {
namespace {

/// Both are what fstat(2) says of the stream that the journal reads.
bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): before any thread
    struct stat found{};
    return stream != nullptr && fstat(STDERR_FILENO, &found) == 0 &&
           std::string_view(stream) == fmt::format("{}:{}", found.st_dev, found.st_ino);
}

void append_length(std::string& entry, std::uint64_t length) {
    for (unsigned byte = 0; byte < 8; ++byte) {  // little-endian
        entry += static_cast<char>(length >> (8 * byte) & 0xffU);
    }
}

}  // namespace

std::string journal_entry(std::span<const Field> fields) {
    std::string entry;
    for (const Field& field : fields) {
        entry += field.name;
        if (field.value.find('\n') == std::string::npos) {
            entry += '=';
        } else {
            entry += '\n';
            append_length(entry, field.value.size());
        }
        entry += field.value;
        entry += '\n';
    }
    return entry;
}

std::unique_ptr<Journal> Journal::of_stderr() {
    if (!stderr_is_the_journal()) {
        return nullptr;
    }
    auto socket = LocalDatagrams::open(kAddress);
    return socket ? std::make_unique<Journal>(std::move(*socket)) : nullptr;
}

void Journal::send(std::span<const Field> fields) {
    // Whoever does not take one entry is not waited for with the next.
    if (socket_.send(journal_entry(fields), lost_ == 0) != 0) {
        ++lost_;
        return;
    }
    if (const std::uint64_t lost = lost_.exchange(0)) {
        const std::array<Field, 3> told{
            Field{"MESSAGE", fmt::format("the journal did not take {} lines before this one", lost)},
            Field{"PRIORITY", "4"}, Field{"SYSLOG_IDENTIFIER", "farewelld"}};
        static_cast<void>(socket_.send(journal_entry(told), false));
    }
}

}  // namespace farewell::service
