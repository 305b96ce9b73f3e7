// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/nft/live_frames.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "bench/nft/way.hpp"

namespace farewell::bench {
namespace {

constexpr std::size_t kFrameBytes = ETH_HLEN + 60;
constexpr int kIdentification = ETH_HLEN + 4;
constexpr int kChecksum = ETH_HLEN + 10;
constexpr int kSource = ETH_HLEN + 12;

std::uint64_t pointer(const void* to) {
    return reinterpret_cast<std::uint64_t>(to);  // NOLINT: bpf(2) takes addresses as numbers
}

int bpf(int command, bpf_attr& attributes) {
    return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

[[noreturn]] void give_up_with_errno(std::string_view operation) {
    give_up(operation, std::strerror(errno));
}

using Bytes = std::array<std::uint8_t, kFrameBytes>;

void put_16(Bytes& frame, std::size_t at, std::uint16_t value) {
    frame.at(at) = static_cast<std::uint8_t>(value >> 8U);
    frame.at(at + 1) = static_cast<std::uint8_t>(value);
}

/// From 198.18.0.0; the low half of the source and the identification add up to 0xffff, and still do when the
/// program has changed them.
std::uint16_t checksum_of(const Bytes& frame) {
    std::uint32_t sum = 0;
    for (std::size_t at = ETH_HLEN; at < ETH_HLEN + 20; at += 2) {
        if (at != kChecksum) {
            sum += static_cast<std::uint32_t>(frame.at(at) << 8U) | frame.at(at + 1);
        }
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

Bytes make_frame(std::span<const std::uint8_t, ETH_ALEN> own_address) {
    Bytes frame{};
    std::memcpy(frame.data(), own_address.data(), own_address.size());
    frame.at(ETH_ALEN) = 0x02;  // of a locally administered sender
    put_16(frame, 2 * ETH_ALEN, ETH_P_IP);
    frame.at(ETH_HLEN) = 0x45;
    put_16(frame, ETH_HLEN + 2, kFrameBytes - ETH_HLEN);
    put_16(frame, kIdentification, 0xffff);
    frame.at(ETH_HLEN + 8) = 64;
    frame.at(ETH_HLEN + 9) = IPPROTO_UDP;
    put_16(frame, kSource, 0xc612);
    put_16(frame, kSource + 4, 0xc612);
    put_16(frame, kSource + 6, 2);
    put_16(frame, kChecksum, checksum_of(frame));
    put_16(frame, ETH_HLEN + 20, 40'000);
    put_16(frame, ETH_HLEN + 22, 7'000);
    put_16(frame, ETH_HLEN + 24, kFrameBytes - ETH_HLEN - 20);
    return frame;
}

constexpr bpf_insn instruction(int code, int destination, int source, int offset, int immediate) {
    return {.code = static_cast<__u8>(code),
            .dst_reg = static_cast<__u8>(destination & 0xf),
            .src_reg = static_cast<__u8>(source & 0xf),
            .off = static_cast<__s16>(offset),
            .imm = immediate};
}

/// Gives the packet one of 2^17 sources and leaves its checksum right: the identification is the complement
/// of the source's low half, and what the high half is above 198.18 is taken off the checksum.
int load_program(std::uint16_t checksum) {
    const std::array program{
        instruction(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
        instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_prandom_u32),
        instruction(BPF_LDX | BPF_MEM | BPF_W, 2, 6, offsetof(xdp_md, data), 0),
        instruction(BPF_LDX | BPF_MEM | BPF_W, 3, 6, offsetof(xdp_md, data_end), 0),
        instruction(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
        instruction(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, ETH_HLEN + 20),
        instruction(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 13, 0),
        instruction(BPF_STX | BPF_MEM | BPF_H, 2, 0, kSource + 2, 0),
        instruction(BPF_ALU64 | BPF_MOV | BPF_X, 5, 0, 0, 0),
        instruction(BPF_ALU64 | BPF_XOR | BPF_K, 5, 0, 0, -1),
        instruction(BPF_STX | BPF_MEM | BPF_H, 2, 5, kIdentification, 0),
        instruction(BPF_ALU64 | BPF_RSH | BPF_K, 0, 0, 0, 16),
        instruction(BPF_ALU64 | BPF_AND | BPF_K, 0, 0, 0, 1),
        instruction(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, checksum),
        instruction(BPF_ALU64 | BPF_SUB | BPF_X, 5, 0, 0, 0),
        instruction(BPF_ALU | BPF_END | BPF_TO_BE, 5, 0, 0, 16),
        instruction(BPF_STX | BPF_MEM | BPF_H, 2, 5, kChecksum, 0),
        instruction(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 0, 0xc612),
        instruction(BPF_ALU | BPF_END | BPF_TO_BE, 0, 0, 0, 16),
        instruction(BPF_STX | BPF_MEM | BPF_H, 2, 0, kSource, 0),
        instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
        instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    };
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_XDP;
    attributes.insns = pointer(program.data());
    attributes.insn_cnt = program.size();
    attributes.license = pointer("GPL");
    return bpf(BPF_PROG_LOAD, attributes);
}

}  // namespace

LiveFrames::LiveFrames() : device_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
    ifreq request{};
    std::strcpy(request.ifr_name, "bench0");
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (device_ < 0 || ioctl(device_, TUNSETIFF, &request) != 0) {
        give_up_with_errno("make a tap device");
    }
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_flags = IFF_UP;
    if (ioctl(any, SIOCSIFFLAGS, &request) != 0 || ioctl(any, SIOCGIFHWADDR, &request) != 0) {
        give_up_with_errno("set bench0 up");
    }
    close(any);
    index_ = static_cast<int>(if_nametoindex("bench0"));
    std::memcpy(own_address_.data(), request.ifr_hwaddr.sa_data, own_address_.size());
    program_ = load_program(checksum_of(make_frame(own_address_)));
    if (program_ < 0) {
        give_up_with_errno("load the XDP program");
    }
}

LiveFrames::~LiveFrames() {
    close(program_);
    close(device_);
}

void LiveFrames::receive(std::uint32_t packets) const {
    const Bytes frame = make_frame(own_address_);
    xdp_md context{};
    context.data_end = frame.size();
    context.ingress_ifindex = static_cast<__u32>(index_);
    bpf_attr attributes{};
    attributes.test.prog_fd = static_cast<__u32>(program_);
    attributes.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    attributes.test.repeat = packets;
    attributes.test.data_in = pointer(frame.data());
    attributes.test.data_size_in = frame.size();
    attributes.test.ctx_in = pointer(&context);
    attributes.test.ctx_size_in = sizeof context;
    if (bpf(BPF_PROG_TEST_RUN, attributes) != 0) {
        give_up_with_errno("inject packets");
    }
}

}  // namespace farewell::bench
