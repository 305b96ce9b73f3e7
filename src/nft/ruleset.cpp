// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/ruleset.hpp"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>
#include <new>

namespace farewell::nft {
namespace {

struct FreeContext {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

/// libnftables' message is several lines with the offending text underlined; the first says what is wrong.
std::string first_line(const char* text) {
    const std::string_view whole(text == nullptr ? "" : text);
    return std::string(whole.substr(0, whole.find('\n')));
}

using Context = std::unique_ptr<nft_ctx, FreeContext>;

Context new_context() {
    Context context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) {
        throw std::bad_alloc();
    }
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    return context;
}

std::expected<void, std::string> run_in(nft_ctx& context, const std::string& text) {
    if (nft_run_cmd_from_buffer(&context, text.c_str()) != 0) {
        return std::unexpected(first_line(nft_ctx_get_error_buffer(&context)));
    }
    return {};
}

/// What becomes of a packet of somebody in the set. Whether the source is allowed is asked only here, where
/// it would be dropped.
std::string drop_text(const BannedSet& set, std::string_view table) {
    return fmt::format(
        R"(add chain inet {0} drop_{1}
flush chain inet {0} drop_{1}
add rule inet {0} drop_{1} {2} accept
add rule inet {0} drop_{1} {3}
add rule inet {0} drop_{1} drop
)",
        table, name_of(set), set.ipv6 ? "ip6 saddr @allow6" : "ip saddr @allow4", count_text(set));
}

/// What drops softly. After conntrack (-200, NF_IP_PRI_CONNTRACK) it is known what belongs to a connection; a
/// SYN never can, so it need not get that far. One in fragments shows its flags to nobody before they are put
/// together.
std::string soft_text(std::string_view table) {
    std::string text = fmt::format(
        R"(add chain inet {0} after_conntrack {{ type filter hook prerouting priority -199; policy accept; }}
add chain inet {0} new_from_ipv4
add chain inet {0} new_from_ipv6
flush chain inet {0} after_conntrack
flush chain inet {0} new_from_ipv4
flush chain inet {0} new_from_ipv6
add rule inet {0} after_conntrack iif "lo" accept
add rule inet {0} after_conntrack ct state established,related accept
)",
        table);
    for (const std::string_view family : {"ipv4", "ipv6"}) {
        text += fmt::format(
            "add rule inet {0} after_conntrack meta nfproto {1} goto new_from_{1}\n"
            "add rule inet {0} from_{1} tcp flags & (fin|syn|rst|ack) == syn goto new_from_{1}\n",
            table, family);
    }
    return text;
}

/// Takes out what an earlier life needed: who bans nobody softly shall not have connections tracked for it.
std::string no_soft_text(std::string_view table) {
    std::string text;
    for (const std::string_view verb : {"add", "flush", "delete"}) {
        for (const std::string_view chain : {"after_conntrack", "new_from_ipv4", "new_from_ipv6"}) {
            text += fmt::format("{} chain inet {} {}\n", verb, table, chain);
        }
    }
    return text;
}

}  // namespace

std::string build_text(std::string_view table, const std::set<BannedSet>& sets) {
    // -450 is NF_IP_PRI_RAW_BEFORE_DEFRAG: before fragments are put together and connections tracked.
    // A chain for each family, so that no packet pays for the lookups of the other one.
    std::string set_texts;
    for (const BannedSet& set : sets) {
        set_texts += set_text(set, table) + drop_text(set, table);
    }
    const bool has_soft = std::ranges::any_of(sets, &BannedSet::soft);
    std::string text = fmt::format(R"(add table inet {table}
add set inet {table} allow4 {{ type ipv4_addr; flags interval; }}
add set inet {table} allow6 {{ type ipv6_addr; flags interval; }}
{sets}add chain inet {table} prerouting {{ type filter hook prerouting priority -450; policy accept; }}
add chain inet {table} from_ipv4
add chain inet {table} from_ipv6
flush chain inet {table} prerouting
flush chain inet {table} from_ipv4
flush chain inet {table} from_ipv6
add rule inet {table} prerouting iif "lo" accept
add rule inet {table} prerouting meta nfproto ipv4 goto from_ipv4
add rule inet {table} prerouting meta nfproto ipv6 goto from_ipv6
)",
                                   fmt::arg("table", table), fmt::arg("sets", set_texts));
    const auto add_drops = [&](bool soft) {
        for (const BannedSet& set : sets) {
            if (set.soft == soft) {
                text += fmt::format("add rule inet {} {}from_{} {} counter goto drop_{}\n", table,
                                    soft ? "new_" : "", set.ipv6 ? "ipv6" : "ipv4", match_text(set),
                                    name_of(set));
            }
        }
    };
    add_drops(false);
    text += has_soft ? soft_text(table) : no_soft_text(table);  // SYNs leave the chains of full bans for it
    add_drops(true);
    return text;
}

std::string elements_text(std::string_view table, std::string_view set,
                          std::span<const std::string> elements) {
    std::string text = fmt::format("flush set inet {} {}\n", table, set);
    if (!elements.empty()) {
        text += fmt::format("add element inet {} {} {{ {} }}\n", table, set, fmt::join(elements, ", "));
    }
    return text;
}

std::expected<void, std::string> check_text(const std::string& text) {
    const auto context = new_context();
    nft_ctx_set_dry_run(context.get(), true);
    return run_in(*context, text);
}

std::expected<void, std::string> run_text(const std::string& text) {
    return run_in(*new_context(), text);
}

std::expected<std::string, std::string> list_text(std::string_view table) {
    const auto context = new_context();
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE);
    if (auto listed = run_in(*context, fmt::format("list table inet {}", table)); !listed) {
        return std::unexpected(listed.error());
    }
    return nft_ctx_get_output_buffer(context.get());
}

std::expected<Listing, std::string> list_ruleset() {
    const auto list = [](unsigned flags) -> std::expected<std::string, std::string> {
        const auto context = new_context();
        nft_ctx_output_set_flags(context.get(), flags | NFT_CTX_OUTPUT_TERSE);
        if (auto listed = run_in(*context, "list ruleset"); !listed) {
            return std::unexpected(listed.error());
        }
        return nft_ctx_get_output_buffer(context.get());
    };
    auto json = list(NFT_CTX_OUTPUT_JSON);
    if (!json) {
        return std::unexpected(json.error());
    }
    auto text = list(NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS);
    if (!text) {
        return std::unexpected(text.error());
    }
    return Listing{.json = std::move(*json), .text = std::move(*text)};
}

}  // namespace farewell::nft
