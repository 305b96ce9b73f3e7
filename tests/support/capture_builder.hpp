// SPDX-License-Identifier: GPL-2.0-or-later
// Capture files for tests, written byte by byte so that they can be as wrong as a test wants them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "packet_builder.hpp"

namespace farewell::test {

/// Numbers of link types as they stand in files (tcpdump.org/linktypes.html).
namespace link_type {
inline constexpr std::uint32_t kEthernet = 1;
inline constexpr std::uint32_t kRaw = 101;
inline constexpr std::uint32_t kUnsupported = 147;
}  // namespace link_type

/// A classic pcap file, little-endian, with nanoseconds.
class Capture {
 public:
    explicit Capture(std::uint32_t link_type = link_type::kRaw);

    /// `at` is since 1970; `original_length` 0 means that the frame was captured whole.
    Capture& add(std::chrono::nanoseconds at, const Bytes& frame, std::uint32_t original_length = 0);
    /// Takes the last bytes off.
    Capture& cut(std::size_t bytes);

    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    void save(const std::filesystem::path& path) const;

 private:
    Bytes bytes_;
};

/// A pcapng file with one interface of microseconds.
[[nodiscard]] Bytes build_pcapng(std::uint32_t link_type, std::chrono::microseconds at, const Bytes& frame);

void save(const Bytes& bytes, const std::filesystem::path& path);

}  // namespace farewell::test
