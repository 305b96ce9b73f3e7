// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture_builder.hpp"

#include <algorithm>
#include <fstream>

namespace farewell::test {
namespace {

void put16(Bytes& out, std::uint32_t value) {
    out.push_back(static_cast<std::byte>(value));
    out.push_back(static_cast<std::byte>(value >> 8U));
}
void put32(Bytes& out, std::uint32_t value) {
    put16(out, value & 0xffffU);
    put16(out, value >> 16U);
}

/// A pcapng block: type, length, body padded to four bytes, length again.
Bytes block(std::uint32_t type, Bytes body) {
    body.resize((body.size() + 3) / 4 * 4);
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    Bytes out;
    put32(out, type);
    put32(out, length);
    out = out + body;
    put32(out, length);
    return out;
}

}  // namespace

Capture::Capture(std::uint32_t link_type) {
    put32(bytes_, 0xa1b23c4d);
    put16(bytes_, 2);
    put16(bytes_, 4);
    put32(bytes_, 0);
    put32(bytes_, 0);
    put32(bytes_, 65535);
    put32(bytes_, link_type);
}

Capture& Capture::add(std::chrono::nanoseconds at, const Bytes& frame, std::uint32_t original_length) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
    const auto length = static_cast<std::uint32_t>(frame.size());
    put32(bytes_, static_cast<std::uint32_t>(seconds.count()));
    put32(bytes_, static_cast<std::uint32_t>((at - seconds).count()));
    put32(bytes_, length);
    put32(bytes_, original_length == 0 ? length : original_length);
    bytes_ = bytes_ + frame;
    return *this;
}

Capture& Capture::cut(std::size_t bytes) {
    bytes_.erase(bytes_.end() - static_cast<std::ptrdiff_t>(std::min(bytes, bytes_.size())), bytes_.end());
    return *this;
}

void Capture::save(const std::filesystem::path& path) const {
    test::save(bytes_, path);
}

Bytes build_pcapng(std::uint32_t link_type, std::chrono::microseconds at, const Bytes& frame) {
    Bytes section;
    put32(section, 0x1a2b3c4d);
    put16(section, 1);
    put16(section, 0);
    put32(section, 0xffffffff);
    put32(section, 0xffffffff);
    Bytes interface;
    put16(interface, link_type);
    put16(interface, 0);
    put32(interface, 65535);
    Bytes packet;
    const auto ticks = static_cast<std::uint64_t>(at.count());
    put32(packet, 0);
    put32(packet, static_cast<std::uint32_t>(ticks >> 32U));
    put32(packet, static_cast<std::uint32_t>(ticks));
    put32(packet, static_cast<std::uint32_t>(frame.size()));
    put32(packet, static_cast<std::uint32_t>(frame.size()));
    return block(0x0a0d0d0a, section) + block(1, interface) + block(6, packet + frame);
}

void save(const Bytes& bytes, const std::filesystem::path& path) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace farewell::test
