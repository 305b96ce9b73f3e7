// SPDX-License-Identifier: GPL-2.0-or-later
// One capture file, pcap or pcapng, frame by frame, by libpcap. Streams: holds one frame at a time, whatever
// the file's size. Not thread-safe; a call may block on the disk.
#pragma once

#include <pcap/pcap.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/time.hpp"

namespace farewell::source {

struct CapturedFrame {
    std::span<const std::byte> bytes;  ///< valid until the next call
    std::size_t original_length = 0;   ///< on the wire; the capture may hold less
    core::Time at;                     ///< since 1970, within 1970..2242 whatever the file says
};

enum class CaptureFailure : std::uint8_t {
    cannot_open,    ///< the system refused: no such file, no permission, …
    not_a_capture,  ///< it does not begin as a capture does
    damaged,        ///< it does, but what follows is cut off or makes no sense
};

struct CaptureError {
    CaptureFailure failure = CaptureFailure::damaged;
    std::string message;  ///< for people; libpcap's own words where it has any
};

class PcapFile {
 public:
    [[nodiscard]] static std::expected<PcapFile, CaptureError> open(const std::filesystem::path& path);
    /// Takes the stream over, closing it in any case; it must be seekable.
    [[nodiscard]] static std::expected<PcapFile, CaptureError> read_from(std::FILE* stream);

    /// libpcap's number of the link type, DLT_EN10MB and so on.
    [[nodiscard]] int link_type() const { return pcap_datalink(capture_.get()); }
    /// "EN10MB", or the number where libpcap knows no name.
    [[nodiscard]] std::string link_name() const;

    /// nullopt at the end of the file.
    [[nodiscard]] std::expected<std::optional<CapturedFrame>, CaptureError> next();
    /// Bytes read so far, roughly: the stream reads ahead.
    [[nodiscard]] std::uint64_t position() const;

 private:
    struct Closer {
        void operator()(pcap_t* capture) const { pcap_close(capture); }
    };
    explicit PcapFile(pcap_t* capture) : capture_(capture) {}

    std::unique_ptr<pcap_t, Closer> capture_;
};

}  // namespace farewell::source
