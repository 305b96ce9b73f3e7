// SPDX-License-Identifier: GPL-2.0-or-later
// One pass over one capture file, and how far it went.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.hpp"
#include "replay/packet_stream.hpp"
#include "source/pcap_file.hpp"

namespace farewell::replay {

enum class Reading : std::uint8_t {
    whole,             ///< to its end
    partly,            ///< up to a damage
    unsupported_link,  ///< frames of a type that replay cannot look into
    failed,            ///< nothing of it: see problem
};
inline constexpr std::size_t kReadings = 4;
[[nodiscard]] std::string_view name_of(Reading reading);

struct FileReading {
    std::filesystem::path file;
    Reading reading = Reading::whole;
    std::optional<source::CaptureError> problem;  ///< for partly and failed
    std::string link;                             ///< libpcap's name of the link type; empty if failed
    std::optional<core::Time> first_frame;
    core::Time last_frame;
    FrameCounts frames;

    [[nodiscard]] bool has_packets() const { return reading == Reading::whole || reading == Reading::partly; }
};

/// Called every few thousand packets with the bytes read since the last call.
using Progress = std::function<void(std::uint64_t bytes)>;
using Visit = std::function<void(const SeenPacket& seen)>;

/// Visits every packet of the file.
[[nodiscard]] FileReading read_packets(const std::filesystem::path& file, const Progress& progress,
                                       const Visit& visit);

}  // namespace farewell::replay
