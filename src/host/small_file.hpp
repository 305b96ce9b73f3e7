// SPDX-License-Identifier: GPL-2.0-or-later
// Small files, read and replaced as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>

namespace farewell::host {

/// The error is an errno; EFBIG for one of more than `most` bytes.
[[nodiscard]] std::expected<std::string, int> read_file(const std::filesystem::path& path, std::size_t most);

/// Who may read a file that we write.
enum class Readers : std::uint8_t {
    group,      ///< as the umask has it
    everybody,  ///< whatever the umask says
};

/// Whoever reads it sees the old text or the new one, also after a power failure: written beside it, synced,
/// renamed. 0 or errno.
[[nodiscard]] int replace_file(const std::filesystem::path& path, std::string_view text,
                               Readers readers = Readers::group);

}  // namespace farewell::host
