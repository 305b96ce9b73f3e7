// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/pcap_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace farewell::source {
namespace {

constexpr std::size_t kReadAhead = std::size_t{256} << 10U;

struct StreamCloser {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
};
using Stream = std::unique_ptr<std::FILE, StreamCloser>;

/// The first four bytes of every dialect of pcap that libpcap reads, in both byte orders, and of pcapng.
bool begins_as_capture(std::FILE* stream) {
    constexpr std::array<std::uint32_t, 5> kMagics{0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34, 0xa1b234cd,
                                                   0x0a0d0d0a};
    std::uint32_t magic = 0;
    const bool read = std::fread(&magic, sizeof magic, 1, stream) == 1;
    const bool is_back = std::fseek(stream, 0, SEEK_SET) == 0;
    return read && is_back &&
           (std::ranges::find(kMagics, magic) != kMagics.end() ||
            std::ranges::find(kMagics, __builtin_bswap32(magic)) != kMagics.end());
}

/// Seconds and nanoseconds are whatever the file says; the core adds durations to them, which must not
/// overflow.
core::Time time_of(const timeval& stamp) {
    constexpr std::int64_t kSecondsMax = std::int64_t{1} << 33U;
    constexpr std::int64_t kNanosecondsMax = 999'999'999;
    return core::Time(std::chrono::seconds(std::clamp<std::int64_t>(stamp.tv_sec, 0, kSecondsMax)) +
                      std::chrono::nanoseconds(std::clamp<std::int64_t>(stamp.tv_usec, 0, kNanosecondsMax)));
}

}  // namespace

std::expected<PcapFile, CaptureError> PcapFile::open(const std::filesystem::path& path) {
    // A pipe would block, and cannot be read a second time; what does not exist, fopen will say.
    std::error_code ignored;
    if (const auto status = std::filesystem::status(path, ignored);
        std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        return std::unexpected(
            CaptureError{.failure = CaptureFailure::cannot_open, .message = "not a regular file"});
    }
    Stream stream(std::fopen(path.c_str(), "rbe"));
    if (!stream) {
        return std::unexpected(
            CaptureError{.failure = CaptureFailure::cannot_open,
                         .message = std::error_code(errno, std::generic_category()).message()});
    }
    std::setvbuf(stream.get(), nullptr, _IOFBF, kReadAhead);
    return read_from(stream.release());  // NOLINT(clang-analyzer-unix.Stream): it closes it
}

std::expected<PcapFile, CaptureError> PcapFile::read_from(std::FILE* stream) {
    Stream owned(stream);
    if (!begins_as_capture(stream)) {
        return std::unexpected(CaptureError{.failure = CaptureFailure::not_a_capture,
                                            .message = "neither a pcap nor a pcapng file"});
    }
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap_t* const capture = pcap_fopen_offline_with_tstamp_precision(
        stream, static_cast<unsigned>(PCAP_TSTAMP_PRECISION_NANO), reason.data());
    if (capture == nullptr) {
        return std::unexpected(CaptureError{.failure = CaptureFailure::damaged, .message = reason.data()});
    }
    [[maybe_unused]] std::FILE* const given_away = owned.release();  // pcap_close closes it
    return PcapFile(capture);
}

std::string PcapFile::link_name() const {
    const char* const name = pcap_datalink_val_to_name(link_type());
    return name != nullptr ? name : std::to_string(link_type());
}

std::expected<std::optional<CapturedFrame>, CaptureError> PcapFile::next() {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int result = pcap_next_ex(capture_.get(), &header, &bytes);
    if (result == PCAP_ERROR_BREAK) {
        return std::nullopt;
    }
    if (result != 1) {
        return std::unexpected(
            CaptureError{.failure = CaptureFailure::damaged, .message = pcap_geterr(capture_.get())});
    }
    return CapturedFrame{.bytes = std::as_bytes(std::span(bytes, header->caplen)),
                         .original_length = std::max(header->len, header->caplen),
                         .at = time_of(header->ts)};
}

std::uint64_t PcapFile::position() const {
    const off_t position = ftello(pcap_file(capture_.get()));
    return position < 0 ? 0 : static_cast<std::uint64_t>(position);
}

}  // namespace farewell::source
