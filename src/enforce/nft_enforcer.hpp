// SPDX-License-Identifier: GPL-2.0-or-later
// Bans as elements of nftables sets, in a table of our own.
//
// Threads:  one. Cost: one ban is one transaction of about ten microseconds; build() and allow() take
// milliseconds. Needs:    CAP_NET_ADMIN in the network namespace of the constructing thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "enforce/ban_elements.hpp"
#include "enforce/enforcer.hpp"
#include "nft/banned_set.hpp"
#include "nft/change_watch.hpp"
#include "nft/set_elements.hpp"
#include "nft/table_shape.hpp"
#include "nft/table_text.hpp"

namespace farewell::enforce {

struct NftSettings {
    std::string table;               // nft::is_valid_table_name
    nft::TableContent content = {};  // without bans, only the trap and the allowlist are to be used
};

class NftEnforcer final : public Enforcer {
 public:
    explicit NftEnforcer(NftSettings settings);
    /// Over a transport of one's own, for tests without a kernel.
    NftEnforcer(NftSettings settings, std::unique_ptr<nft::Transport> transport);

    std::expected<void, EnforceError> build() override;
    std::expected<void, EnforceError> clear() override;
    std::expected<void, EnforceError> remove() override;
    std::expected<void, EnforceError> rest() override;
    std::expected<void, EnforceError> ban(std::span<const core::Ban> bans, core::Time now) override;
    std::expected<void, EnforceError> unban(std::span<const core::Prefix> sources) override;
    std::expected<void, EnforceError> allow(std::span<const core::Prefix> networks) override;
    std::expected<void, EnforceError> brake_at(const std::optional<nft::Brake>& brake) override;
    [[nodiscard]] std::optional<nft::Brake> brake() const override { return brake_; }
    std::expected<bool, EnforceError> is_intact() override;
    std::expected<std::vector<EnforcedBan>, EnforceError> list() override;
    std::expected<std::vector<EnforcedBan>, EnforceError> list_with_counts() override;
    std::expected<std::optional<EnforcedBan>, EnforceError> get(const core::Prefix& source) override;
    void forget_counts(std::span<const core::Prefix> sources) override;

    /// Hears of what others change in our table; what this enforcer does is not news. There is one; the last
    /// opened. While very many bans are added it hears nothing, and is told afterwards if it has missed
    /// something. To be opened with the privileges of build().
    std::expected<std::shared_ptr<nft::ChangeWatch>, EnforceError> watch();

 private:
    [[nodiscard]] std::expected<nft::SetElements*, EnforceError> elements();
    [[nodiscard]] EnforceError failure(const std::string& operation, int reason) const;
    [[nodiscard]] std::string in_table() const;
    [[nodiscard]] std::expected<std::uint32_t, EnforceError> generation(nft::SetElements& elements) const;
    std::expected<void, EnforceError> adopt_sets(nft::SetElements& elements);
    std::expected<void, EnforceError> need(const nft::BannedSet& set);
    std::expected<void, EnforceError> build_table(nft::SetElements& elements);
    std::expected<void, EnforceError> build_table_of(nft::SetElements& elements,
                                                     const nft::TableContent& content) const;
    std::expected<void, EnforceError> put(nft::SetElements& elements,
                                          std::span<const nft::SetElements::Group> groups);
    void forget_ports(nft::SetElements& elements, std::span<const core::Prefix> sources);
    [[nodiscard]] std::string held_text(nft::SetElements& elements) const;
    int put_unheard(nft::SetElements& elements, std::span<const nft::SetElements::Group> groups);
    [[nodiscard]] Elements in_both_forms(std::span<const core::Prefix> sources) const;
    [[nodiscard]] std::expected<std::vector<EnforcedBan>, EnforceError> list_sets(
        std::string (*name)(const nft::BannedSet&));
    [[nodiscard]] std::expected<std::optional<nft::HeldElement>, EnforceError> get_element(
        nft::SetElements& elements, const std::string& set, const core::Prefix& source) const;
    [[nodiscard]] std::string allowlist_text() const;

    NftSettings settings_;                      // whose sets get more as bans need them
    std::optional<nft::SetElements> elements_;  // opened at first use
    std::shared_ptr<nft::ChangeWatch> watch_;   // none before watch()
    std::optional<nft::Brake> brake_;           // as built
    std::vector<core::Prefix> allowlist_;
    std::optional<nft::TableShape>
        built_;  // as build() left the table; nullopt: what is there is of an earlier life
};

}  // namespace farewell::enforce
