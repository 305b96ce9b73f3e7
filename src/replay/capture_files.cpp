// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/capture_files.hpp"

#include <algorithm>
#include <system_error>

namespace farewell::replay {
namespace {

namespace fs = std::filesystem;

CaptureFile file_at(const fs::path& path, bool named) {
    std::error_code ignored;  // a file without a size is one that opening will complain about
    const std::uintmax_t size = fs::file_size(path, ignored);
    return {.path = path, .bytes = ignored ? 0 : size, .named = named};
}

void add_folder(const fs::path& folder, std::vector<CaptureFile>& files) {
    std::vector<fs::path> found;
    std::error_code failure;
    fs::recursive_directory_iterator entry(folder, failure);
    while (!failure && entry != fs::recursive_directory_iterator()) {
        std::error_code vanished;
        if (entry->is_regular_file(vanished)) {
            found.push_back(entry->path());
        }
        entry.increment(failure);
    }
    if (failure) {
        files.push_back(file_at(folder, true));
    }
    std::ranges::sort(found);
    for (const fs::path& path : found) {
        files.push_back(file_at(path, false));
    }
}

}  // namespace

std::vector<CaptureFile> capture_files(const std::vector<std::string>& arguments) {
    std::vector<CaptureFile> files;
    for (const fs::path path : arguments) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored)) {
            add_folder(path, files);
        } else {
            files.push_back(file_at(path, true));
        }
    }
    return files;
}

std::uint64_t bytes_to_read(const std::vector<CaptureFile>& files) {
    std::uint64_t bytes = 0;
    for (const CaptureFile& file : files) {
        bytes += 2 * file.bytes;
    }
    return bytes;
}

}  // namespace farewell::replay
