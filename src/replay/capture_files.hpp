// SPDX-License-Identifier: GPL-2.0-or-later
// Files and folders as an operator names them, made into a list of files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace farewell::replay {

struct CaptureFile {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    bool named = true;  ///< by the operator; false: found in a folder, where other files may lie too
};

/// Folders are walked to their depth in sorted order; the order of the arguments is kept. What cannot be read
/// stays in the list: whoever opens it will say why.
[[nodiscard]] std::vector<CaptureFile> capture_files(const std::vector<std::string>& arguments);

/// For progress: every file is read twice.
[[nodiscard]] std::uint64_t bytes_to_read(const std::vector<CaptureFile>& files);

}  // namespace farewell::replay
