// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench/nft/way.hpp"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

#include "bench/nft/drop_rule.hpp"
#include "enforce/nft_enforcer.hpp"
#include "nft/owned.hpp"
#include "nft/ruleset.hpp"

namespace farewell::bench {
namespace {

using nft::owned;

constexpr std::chrono::hours kBanDuration{24};
constexpr std::size_t kBytesPerTransaction = std::size_t{4} << 20U;

/// Of 10.0.0.0/8, in no order, and no two next to each other: an interval set would have to join them.
std::uint32_t address_of(std::size_t number) {
    constexpr std::uint32_t kOdd = 2'654'435'761U;
    return 0x0a000000U | (((static_cast<std::uint32_t>(number) * kOdd) & 0x7fffffU) << 1U);
}

class Farewell final : public Way {
 public:
    Farewell() : enforcer_({.table = kTable}, timed_transport(timings())) {}

    void build() override {
        if (const auto built = enforcer_.build(); !built) {
            give_up("build", built.error().message);
        }
        // The daemon listens, at a price for each change.
        if (const auto watch = enforcer_.watch(); !watch) {
            give_up("watch", watch.error().message);
        }
    }

    void ban(std::size_t first, std::size_t count) override {
        const std::vector<core::Ban> bans = bans_of(first, count);
        if (const auto banned = enforcer_.ban(bans, kNow); !banned) {
            give_up("ban", banned.error().message);
        }
    }

 private:
    enforce::NftEnforcer enforcer_;
};

/// Transactions that libnftnl builds, of one message for every ban.
class Rival : public Way {
 public:
    Rival() : transport_(timed_transport(timings())) {}

    void ban(std::size_t first, std::size_t count) override {
        while (count > 0) {
            const std::uint32_t first_sequence = sequence_;
            std::size_t length = 0;
            const auto at = [&] { return reinterpret_cast<char*>(buffer_.data()) + length; };  // NOLINT
            length += nftnl_batch_begin(at(), sequence_++)->nlmsg_len;
            for (; count > 0 && length < kBytesPerTransaction - kMessageRoom; ++first, --count) {
                nlmsghdr* header = append(at(), sequence_++, address_of(first));
                const bool is_last =
                    count == 1 || length + header->nlmsg_len >= kBytesPerTransaction - kMessageRoom;
                header->nlmsg_flags |= is_last ? NLM_F_ACK : 0;
                length += (header->nlmsg_len + 3) & ~3U;
            }
            const std::uint32_t last_sequence = sequence_ - 1;
            length += nftnl_batch_end(at(), sequence_++)->nlmsg_len;
            if (const int reason = transport_->commit(std::as_bytes(std::span(buffer_).first(length)),
                                                      first_sequence, last_sequence);
                reason != 0) {
                give_up("commit", std::strerror(reason));
            }
        }
    }

 protected:
    virtual nlmsghdr* append(char* at, std::uint32_t sequence, std::uint32_t address) = 0;

 private:
    static constexpr std::size_t kMessageRoom = 4096;
    std::unique_ptr<nft::Transport> transport_;
    std::vector<std::byte> buffer_ = std::vector<std::byte>(kBytesPerTransaction);
    std::uint32_t sequence_ = 1;
};

/// `nft add rule ip bench prerouting ip saddr ADDRESS drop`
class Rules final : public Rival {
 public:
    void build() override {
        run_nft("table ip bench { chain prerouting { type filter hook prerouting priority -450; }; }");
    }

 protected:
    nlmsghdr* append(char* at, std::uint32_t sequence, std::uint32_t address) override {
        return build_drop_rule(at, sequence, kTable, address);
    }
};

/// `nft add element ip bench banned { ADDRESS timeout 24h }`
class Interval final : public Rival {
 public:
    void build() override {
        run_nft(
            "table ip bench { set banned { type ipv4_addr; flags interval, timeout; }; "
            "chain prerouting { type filter hook prerouting priority -450; ip saddr @banned drop; }; }");
    }

 protected:
    nlmsghdr* append(char* at, std::uint32_t sequence, std::uint32_t address) override {
        const auto set = owned(nftnl_set_alloc());
        nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, kTable);
        nftnl_set_set_str(set.get(), NFTNL_SET_NAME, "banned");
        const std::uint32_t begin = htonl(address);
        nftnl_set_elem* element = nftnl_set_elem_alloc();
        nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, &begin, sizeof begin);
        nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT,
                               static_cast<std::uint64_t>(std::chrono::milliseconds(kBanDuration).count()));
        nftnl_set_elem_add(set.get(), element);
        const std::uint32_t end = htonl(address + 1);
        nftnl_set_elem* end_element = nftnl_set_elem_alloc();
        nftnl_set_elem_set(end_element, NFTNL_SET_ELEM_KEY, &end, sizeof end);
        nftnl_set_elem_set_u32(end_element, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
        nftnl_set_elem_add(set.get(), end_element);
        nlmsghdr* header =
            nftnl_nlmsg_build_hdr(at, NFT_MSG_NEWSETELEM, NFPROTO_IPV4, NLM_F_CREATE | NLM_F_EXCL, sequence);
        nftnl_set_elems_nlmsg_build_payload(header, set.get());
        return header;
    }
};

/// The least that a drop at this place can cost.
class Plain final : public Way {
 public:
    void build() override {
        run_nft(
            "table ip bench { chain prerouting { type filter hook prerouting priority -450; policy drop; }; "
            "}");
    }
    void ban(std::size_t /*first*/, std::size_t count) override {
        if (count > 0) {
            give_up("ban", "a policy alone bans nobody");
        }
    }
};

}  // namespace

std::vector<core::Ban> bans_of(std::size_t first, std::size_t count) {
    std::vector<core::Ban> bans;
    bans.reserve(count);
    for (std::size_t number = first; number < first + count; ++number) {
        const std::uint32_t address = htonl(address_of(number));
        bans.push_back({.source = core::Prefix::of(core::Address::ipv4(
                            std::as_bytes(std::span<const std::uint32_t, 1>(&address, 1)))),
                        .until = kNow + kBanDuration});
    }
    return bans;
}

void run_nft(const std::string& text) {
    if (const auto done = nft::run_text(text); !done) {
        give_up("nft", done.error());
    }
}

std::unique_ptr<nft::Transport> timed_transport(std::vector<Timing>& timings) {
    auto transport = nft::open_transport();
    if (!transport) {
        give_up("open netlink socket", std::strerror(transport.error()));
    }
    return std::make_unique<TimedTransport>(std::move(*transport), timings);
}

std::unique_ptr<Way> make_way(std::string_view name) {
    if (name == "farewell") {
        return std::make_unique<Farewell>();
    }
    if (name == "rules") {
        return std::make_unique<Rules>();
    }
    if (name == "interval") {
        return std::make_unique<Interval>();
    }
    if (name == "plain") {
        return std::make_unique<Plain>();
    }
    return nullptr;
}

void drop_afterwards() {
    run_nft(
        "table ip bench_after { chain prerouting { type filter hook prerouting priority -449; policy drop; "
        "}; "
        "}");
}

void give_up(std::string_view operation, std::string_view why) {
    std::fprintf(stderr, "bench_nftables: %.*s: %.*s\n", static_cast<int>(operation.size()), operation.data(),
                 static_cast<int>(why.size()), why.data());
    std::exit(1);
}

}  // namespace farewell::bench
