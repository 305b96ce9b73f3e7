// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay/file_reading.hpp"

#include <utility>

#include "source/link_layer.hpp"

namespace farewell::replay {
namespace {

/// Tells of the bytes read, now and then.
class Meter {
 public:
    Meter(const PacketStream& stream, const Progress& progress) : stream_(stream), progress_(progress) {}

    void on_packet() {
        constexpr unsigned kEvery = 4096;
        if (++packets_ % kEvery == 0) {
            tell();
        }
    }
    void tell() {
        const std::uint64_t position = stream_.file().position();
        progress_(position - std::exchange(told_, position));
    }

 private:
    const PacketStream& stream_;
    const Progress& progress_;
    unsigned packets_ = 0;
    std::uint64_t told_ = 0;
};

}  // namespace

FileReading read_packets(const std::filesystem::path& file, const Progress& progress, const Visit& visit) {
    FileReading result;
    result.file = file;
    auto capture = source::PcapFile::open(file);
    if (!capture) {
        result.reading = Reading::failed;
        result.problem = capture.error();
        return result;
    }
    result.link = capture->link_name();
    if (!source::is_supported_link(capture->link_type())) {
        result.reading = Reading::unsupported_link;
        return result;
    }
    PacketStream stream(std::move(*capture));
    Meter meter(stream, progress);
    while (const auto seen = stream.next()) {
        visit(*seen);
        meter.on_packet();
    }
    meter.tell();
    result.first_frame = stream.first_frame();
    result.last_frame = stream.now();
    result.frames = stream.counts();
    if (stream.damage()) {
        result.reading = stream.counts().frames > 0 ? Reading::partly : Reading::failed;
        result.problem = stream.damage();
    }
    return result;
}

std::string_view name_of(Reading reading) {
    switch (reading) {
        case Reading::whole:
            return "whole";
        case Reading::partly:
            return "partly";
        case Reading::unsupported_link:
            return "unsupported_link";
        case Reading::failed:
            return "failed";
    }
    return "failed";
}

}  // namespace farewell::replay
