// SPDX-License-Identifier: GPL-2.0-or-later
// Packets that enter the stack as if a network card had received them, without a card, a sender or a system
// call for each: BPF_PROG_TEST_RUN in its mode of live frames, with an XDP program that gives every packet
// another source and passes it on. All work is done by the calling thread. Needs root and Linux 5.18.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace farewell::bench {

class LiveFrames {
 public:
    /// Makes a device in this network namespace that packets come in by.
    LiveFrames();
    ~LiveFrames();
    LiveFrames(const LiveFrames&) = delete;
    LiveFrames& operator=(const LiveFrames&) = delete;

    /// So many UDP packets of 60 bytes from sources all over 198.18.0.0/15.
    void receive(std::uint32_t packets) const;

 private:
    int device_ = -1;
    int program_ = -1;
    int index_ = 0;
    std::array<std::uint8_t, 6> own_address_{};
};

}  // namespace farewell::bench
