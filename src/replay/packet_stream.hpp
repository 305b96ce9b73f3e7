// SPDX-License-Identifier: GPL-2.0-or-later
// The decoded IP packets of one capture file, in its order, with a clock that never goes back; counts what is
// not one.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/classify.hpp"
#include "core/decode.hpp"
#include "core/time.hpp"
#include "source/pcap_file.hpp"

namespace farewell::replay {

struct SeenPacket {
    core::Packet packet;  ///< its payload is valid until the next call
    core::LinkDestination link = core::LinkDestination::unknown;
    core::Time at;
};

struct FrameCounts {
    std::uint64_t frames = 0;
    std::uint64_t not_ip = 0;
    std::uint64_t cut_short = 0;  ///< inside the link-layer header
    std::array<std::uint64_t, core::kDecodeErrors> undecoded{};
    std::uint64_t clock_stepped_back = 0;  ///< a frame older than one before it

    FrameCounts& operator+=(const FrameCounts& other);
};

class PacketStream {
 public:
    explicit PacketStream(source::PcapFile file) : file_(std::move(file)) {}

    /// nullopt at the end, and where the file turns out to be damaged: see `damage`.
    [[nodiscard]] std::optional<SeenPacket> next();

    [[nodiscard]] const FrameCounts& counts() const { return counts_; }
    [[nodiscard]] const std::optional<source::CaptureError>& damage() const { return damage_; }
    [[nodiscard]] std::optional<core::Time> first_frame() const { return first_; }
    [[nodiscard]] core::Time now() const { return now_; }
    [[nodiscard]] const source::PcapFile& file() const { return file_; }

 private:
    std::optional<SeenPacket> read(const source::CapturedFrame& frame);

    source::PcapFile file_;
    FrameCounts counts_;
    std::optional<source::CaptureError> damage_;
    std::optional<core::Time> first_;
    core::Time now_;
};

}  // namespace farewell::replay
