// SPDX-License-Identifier: MIT
// The answer to the kernel for one packet.
#pragma once

#include <cstdint>
#include <optional>

namespace farewell::nfq {

/// What becomes of a packet (linux/netfilter.h). A value; compares equal when the kernel would do the same.
class Verdict {
 public:
    /// Gone, at once and without an answer.
    [[nodiscard]] static constexpr Verdict drop() { return Verdict(0); }
    /// On to the next base chain; the rest of the chain that queued it is not evaluated.
    [[nodiscard]] static constexpr Verdict accept() { return Verdict(1); }
    /// Accepted by all further chains of this hook as well.
    [[nodiscard]] static constexpr Verdict stop() { return Verdict(5); }
    /// Through the chain that queued it once more: set a mark and test for it, or it never ends.
    [[nodiscard]] static constexpr Verdict repeat() { return Verdict(4); }
    /// On to another queue. With nobody there it is dropped, or accepted if `bypass`.
    [[nodiscard]] static constexpr Verdict queue(std::uint16_t number, bool bypass = false) {
        return Verdict(3U | std::uint32_t{number} << 16U | (bypass ? 0x8000U : 0U));
    }

    /// The same, and the packet carries this mark from now on.
    [[nodiscard]] constexpr Verdict with_mark(std::uint32_t mark) const {
        Verdict marked = *this;
        marked.mark_ = mark;
        return marked;
    }

    /// Whether the packet ends here; all other verdicts let it go on somewhere.
    [[nodiscard]] constexpr bool is_drop() const { return code_ == 0; }
    /// As the kernel takes it in struct nfqnl_msg_verdict_hdr.
    [[nodiscard]] constexpr std::uint32_t code() const { return code_; }
    /// The mark that the packet shall carry; none: it keeps its own.
    [[nodiscard]] constexpr std::optional<std::uint32_t> mark() const { return mark_; }

    /// Equal: the kernel would do the same.
    friend constexpr bool operator==(const Verdict&, const Verdict&) = default;

 private:
    explicit constexpr Verdict(std::uint32_t code) : code_(code) {}
    std::uint32_t code_;
    std::optional<std::uint32_t> mark_;
};

}  // namespace farewell::nfq
